"""Which settings to try next, and which trial to end early: successive halving by optuna.

Settings are drawn by the tree-structured Parzen estimator (Bergstra et al., 2011). A trial goes on
past a rung when it is among the best third of those that came as far, in the asynchronous form of
successive halving (Li et al., 2020). Optuna keeps nothing on disk: what is known is replayed from
the record of the sweep, so a sweep that was killed goes on with what it would have tried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from exallm_trainer.sweep.sweep_recipe import Choices, Range, Settings
from exallm_trainer.sweep.sweep_record import Look, TrialRecord

_REDUCTION = 3
# Drawn at random before anything is concluded from what was seen.
_RANDOM_TRIALS = 5
# Draws for settings that no trial has had; a small space may be exhausted.
_DRAWS = 50


class Search:
    """What optuna knows of the trials so far.

    :param space: what is tried, by the names of settings.
    :param own: the recipe's own settings, which the first trial has.
    :param first_rung: samples after which trials are first compared.
    """

    def __init__(
        self,
        space: Mapping[str, Range | Choices],
        own: Settings,
        first_rung: int,
        seed: int,
        trials: Sequence[TrialRecord],
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = {name: _distribution(values) for name, values in space.items()}
        self._own, self._seed = own, seed
        self._tried = {_key(trial.settings) for trial in trials}
        self._study = optuna.create_study(
            direction="maximize",
            pruner=optuna.pruners.SuccessiveHalvingPruner(
                min_resource=first_rung, reduction_factor=_REDUCTION
            ),
        )
        for trial in trials:
            self._replay(trial)

    def suggest(self) -> Settings | None:
        """Settings that no trial has had; None where there are none left, as far as draws show."""
        if not self._tried:
            return self._own
        for draw in range(_DRAWS):
            # A sampler of its own for each draw: what it gives depends on the record alone.
            self._study.sampler = optuna.samplers.TPESampler(
                seed=self._seed + _DRAWS * len(self._tried) + draw, n_startup_trials=_RANDOM_TRIALS
            )
            trial = self._study.ask(self._space)
            settings: Settings = dict(trial.params)
            self._study.tell(trial, state=TrialState.FAIL)
            if _key(settings) not in self._tried:
                return settings
        return None

    def begin(self, settings: Settings) -> Judge:
        """The judge of a new trial, or of one that goes on."""
        return Judge(self._asked(settings))

    def _asked(self, settings: Settings) -> optuna.Trial:
        self._study.enqueue_trial(dict(settings))
        return self._study.ask(self._space)

    def _replay(self, record: TrialRecord) -> None:
        if record.state in ("running", "stopped"):
            return
        trial = self._asked(record.settings)
        judge = Judge(trial)
        for look in record.looks:
            judge.is_hopeless(look)
        best = record.best
        if best is None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif record.state == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, best.score)


class Judge:
    """Decides after each look whether a trial goes on."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial
        self._seen: set[int] = set()

    def is_hopeless(self, look: Look) -> bool:
        """Whether the trial is worse than others were after as many samples."""
        if look.samples not in self._seen:
            self._seen.add(look.samples)
            self._trial.report(look.score, look.samples)
        return bool(self._trial.should_prune())


def _distribution(values: Range | Choices) -> BaseDistribution:
    if isinstance(values, Choices):
        return CategoricalDistribution(values.values)
    if values.whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _key(settings: Settings) -> str:
    return json.dumps(dict(settings), sort_keys=True)
