"""A sweep: trials one after the other, each an ordinary run, until the time is used up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from exallm_trainer.chart import svg
from exallm_trainer.recipe import Recipe
from exallm_trainer.run_folder import RunFolder, write_whole
from exallm_trainer.sweep.search import Judge, Search
from exallm_trainer.sweep.sweep_recipe import SweepRecipe
from exallm_trainer.sweep.sweep_record import (
    Look,
    SweepRecord,
    TrialRecord,
    TrialState,
    begin_sweep_record,
)
from exallm_trainer.sweep.sweep_report import sweep_chart
from exallm_trainer.train.report import EndedByObserverError, StepReport
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.train import train
from exallm_udfs.errors import ExallmError

CHART_FILE = "sweep.svg"
# What may lie in the settings of one trial: a precision that the device lacks, too little memory,
# divergence, a split of which nothing is left, windows that do not fit, a share of too few texts.
_OF_A_TRIAL = frozenset(f"E-EXALLM-TRAIN-{number}" for number in (2, 4, 8, 9, 56, 57))
# So many trials that fail before one succeeds end a sweep whose ranges are out of place.
_HOPELESS = 8

# Called with the trial and what it reports.
Observer = Callable[[TrialRecord, StepReport], None]


@dataclass(frozen=True)
class SweepRequest:
    """What to sweep.

    :param start: what every trial is asked for; its recipe is the one of the sweep.
    :param minutes: of all trials together, over every call for the folder.
    :param seed: of what is tried; that of training is the recipe's.
    """

    sweep: SweepRecipe
    start: TrainRequest
    minutes: float
    seed: int = 0

    def told(self) -> dict[str, Any]:
        """What makes it this sweep and no other."""
        return {
            "recipe": asdict(self.sweep.recipe),
            "space": {name: asdict(values) for name, values in self.sweep.space.items()},
            "base": self.start.base_name,
            "adapter_sha256": self.start.adapter_sha256(),
            "tokenizer_sha256": self.start.tokenizer_sha256(),
            "former_sha256": "" if self.start.former is None else self.start.former.sha256,
            "data_sha256": self.start.data.sha256,
            "seed": self.seed,
        }


def unobserved(trial: TrialRecord, report: StepReport) -> None:
    """An observer that does nothing."""


def run_sweep(request: SweepRequest, folder: Path, observe: Observer = unobserved) -> SweepRecord:
    """Try settings until the time is used up or nothing is left to try.

    The first trial has the recipe's own settings. A trial that diverges, or cannot run with its
    settings, is recorded as failed. The same call goes on where an earlier one ended, and with more
    minutes it goes on longer.

    :raises ExallmError: E-EXALLM-TRAIN-61 where every trial failed, E-EXALLM-TRAIN-62 where the
        folder holds another sweep, E-EXALLM-TRAIN-5 where another process works in it; what ends a
        run and cannot lie in the settings of a trial ends the sweep, too.
    """
    with RunFolder(folder).locked():
        sweep = _Sweep(request, folder, observe)
        sweep.go()
        return sweep.record


class _Sweep:
    """A sweep at work in its folder."""

    def __init__(self, request: SweepRequest, folder: Path, observe: Observer) -> None:
        self.request, self.folder, self.observe = request, folder, observe
        self.record = begin_sweep_record(folder, request.told())

    def go(self) -> None:
        """Trial after trial."""
        self.record.write(self.folder)
        while self._seconds_left() > 0 and not self._is_hopeless():
            trial = self._next()
            if trial is None:
                break
            self._run(*trial)
        if self.record.best is None:
            raise self._all_failed()
        write_whole(self.folder / CHART_FILE, svg(sweep_chart(self.record)))

    def _next(self) -> tuple[TrialRecord, Judge] | None:
        """The trial that was interrupted, or a new one; None where nothing is left to try."""
        space, recipe = self.request.sweep.space, self.request.sweep.recipe
        settings = recipe.optimisation
        first_rung = settings.validate_every * settings.samples_per_step
        trials = self.record.trials
        search = Search(space, self.request.sweep.own, first_rung, self.request.seed, trials)
        open_trials = [trial for trial in trials if trial.state in ("running", "stopped")]
        if open_trials:
            return open_trials[0], search.begin(open_trials[0].settings)
        suggested = search.suggest()
        if suggested is None:
            return None
        return TrialRecord(len(trials), suggested), search.begin(suggested)

    def _run(self, trial: TrialRecord, judge: Judge) -> None:
        trial = self.keep(replace(trial, state="running"))
        try:
            recipe = self.request.sweep.with_settings(trial.settings)
        except ValueError as error:
            self.keep(replace(trial, state="failed", reason=str(error)))
            return
        watch = _Watch(self, trial, judge, recipe)
        asked = replace(self.request.start, recipe=recipe, max_minutes=self._seconds_left() / 60)
        try:
            record = train(asked, RunFolder(self.folder / trial.folder), watch.step)
        except ExallmError as error:
            if error.code not in _OF_A_TRIAL:
                raise
            self.keep(replace(watch.now(), state="failed", reason=error.problem))
        else:
            finished = record.state == "finished"
            unfinished: TrialState = "pruned" if watch.pruned else "stopped"
            self.keep(replace(watch.now(), state="finished" if finished else unfinished))

    def keep(self, trial: TrialRecord) -> TrialRecord:
        """The trial, once it stands in the record."""
        self.record = self.record.with_trial(trial)
        self.record.write(self.folder)
        return trial

    def _seconds_left(self) -> float:
        return 60 * self.request.minutes - self.record.seconds

    def _is_hopeless(self) -> bool:
        failed = [trial.state == "failed" for trial in self.record.trials]
        return len(failed) >= _HOPELESS and all(failed)

    def _all_failed(self) -> ExallmError:
        trials = self.record.trials
        if not any(trial.state == "failed" for trial in trials):
            return ExallmError(
                "E-EXALLM-TRAIN-61",
                "the time ended before the first trial looked at the validation split",
                "give more --minutes, or lower validate_every in the recipe",
            )
        return ExallmError(
            "E-EXALLM-TRAIN-61",
            f"every one of {len(trials)} trials failed, the first one because {trials[0].reason}",
            "correct the recipe and its ranges (lower learning rates, where the loss diverges), and"
            " name a new folder",
        )


class _Watch:
    """Follows one trial from its run, and ends it where it is ``pruned``."""

    def __init__(self, sweep: _Sweep, trial: TrialRecord, judge: Judge, recipe: Recipe) -> None:
        self._sweep, self._trial, self._judge = sweep, trial, judge
        self._samples_per_step = recipe.optimisation.samples_per_step
        self._began = time.monotonic()
        self.pruned = False
        # A call that was killed may not have heard the last verdict.
        self._ended = [judge.is_hopeless(look) for look in trial.looks][-1:] == [True]

    def now(self) -> TrialRecord:
        """The trial with the time that it has taken."""
        seconds = self._trial.seconds + time.monotonic() - self._began
        return replace(self._trial, seconds=round(seconds, 2))

    def step(self, report: StepReport) -> None:
        """Keep a look at the validation split, and end a trial that is worse than others were."""
        self._sweep.observe(self._trial, report)
        if self._ended and report.step < report.total_steps:
            self.pruned = True
            raise EndedByObserverError
        found = report.validation
        if found is None:
            return
        samples = report.step * self._samples_per_step
        look = Look(report.step, samples, found.score, found.loss, found.exact)
        earlier = tuple(each for each in self._trial.looks if each.step < report.step)
        self._trial = replace(self._trial, looks=(*earlier, look))
        self._sweep.keep(self.now())
        if self._judge.is_hopeless(look) and report.step < report.total_steps:
            self.pruned = True
            raise EndedByObserverError
