"""What the benchmarks of the trainer stand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.questions import Question


@dataclass(frozen=True)
class TrainingSettings:
    """How much is measured.

    :param rounds: how often each trainer runs, in turns.
    :param steps: optimizer steps a round.
    :param rows: held-out questions; None takes all.
    :param sweep_minutes: of all trials of the sweep together.
    """

    rounds: int = 3
    steps: int = 40
    rows: int | None = None
    sweep_minutes: float = 20
    processes: int = os.cpu_count() or 1


@dataclass(frozen=True)
class TrainingBench:
    """Read by all benchmarks, changed by none.

    :param gguf: SmolLM2-135M-Instruct as published.
    :param training: questions to train on, in document order.
    :param held_out: questions that no training has seen.
    :param folder: holds environments, runs and logs; git does not see it.
    """

    settings: TrainingSettings
    gguf: Path
    training: Sequence[Question]
    held_out: Sequence[Question]
    folder: Path
    say: Callable[[str], None]
