"""``sweep.json``: what a sweep tries, and how each trial went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from exallm_trainer.json_values import from_json
from exallm_trainer.run_folder import disk_refusals, write_whole
from exallm_udfs.errors import ExallmError

RECORD_FILE = "sweep.json"

TrialState = Literal["running", "stopped", "pruned", "failed", "finished"]


@dataclass(frozen=True)
class Look:
    """A look at the validation split.

    :param samples: trained on so far.
    :param score: more is better: the share of answers to the letter, else minus the loss.
    """

    step: int
    samples: int
    score: float
    loss: float
    exact: float | None


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    :param state: ``running``, also after a kill; ``stopped`` by the sweep's time, which more of it
        continues; ``pruned``, as worse than others after as many samples; ``failed``; ``finished``.
    :param seconds: that it took, loading included.
    :param reason: why it failed.
    """

    number: int
    settings: Mapping[str, Any]
    state: TrialState = "running"
    looks: tuple[Look, ...] = ()
    seconds: float = 0.0
    reason: str | None = None

    @property
    def folder(self) -> str:
        """Name of its run folder."""
        return f"trial-{self.number:03d}"

    @property
    def best(self) -> Look | None:
        """Its best look; None where it failed or has none yet."""
        if self.state == "failed" or not self.looks:
            return None
        return max(self.looks, key=lambda look: look.score)


@dataclass(frozen=True)
class SweepRecord:
    """All of ``sweep.json``.

    :param asked: recipe, ranges, base, adapter, tokenizer, data, former data and seed; another
        sweep has others.
    :param trials: the first one has the recipe's own settings.
    """

    asked: Mapping[str, Any]
    trials: tuple[TrialRecord, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Spent on all trials."""
        return sum(trial.seconds for trial in self.trials)

    def ranked(self) -> Sequence[TrialRecord]:
        """Trials from the best to the worst; those that failed come last."""
        return sorted(self.trials, key=_rank)

    @property
    def best(self) -> TrialRecord | None:
        """None where every trial failed."""
        ranked = [trial for trial in self.ranked() if trial.best is not None]
        return ranked[0] if ranked else None

    def with_trial(self, trial: TrialRecord) -> SweepRecord:
        """The record with this trial in its place."""
        earlier = self.trials[: trial.number]
        return SweepRecord(self.asked, (*earlier, trial, *self.trials[trial.number + 1 :]))

    def values(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write ``sweep.json``, whole or not at all."""
        with disk_refusals(folder / RECORD_FILE):
            write_whole(folder / RECORD_FILE, json.dumps(self.values(), indent=2) + "\n")


def begin_sweep_record(folder: Path, asked: Mapping[str, Any]) -> SweepRecord:
    """A new record, or that of the folder.

    :raises ExallmError: E-EXALLM-TRAIN-62 where the folder holds another sweep or a broken one.
    """
    file = folder / RECORD_FILE
    if not file.is_file():
        return SweepRecord(asked)
    try:
        found = from_json(SweepRecord, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise _another(folder, f"a {RECORD_FILE} that cannot be read: {error}") from error
    for name, value in asked.items():
        # Compared as JSON holds it: without the difference of lists and tuples.
        if json.dumps(found.asked.get(name)) != json.dumps(value):
            raise _another(folder, f"a sweep with another {name}")
    return found


def _rank(trial: TrialRecord) -> tuple[bool, float]:
    best = trial.best
    return best is None, 0.0 if best is None else -best.score


def _another(folder: Path, what: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-62",
        f"{folder} holds {what}",
        "name another folder, or sweep with what it began with",
    )
