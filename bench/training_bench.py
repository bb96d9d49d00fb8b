"""What the benchmarks of the trainer stand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.error import BenchError
from bench.project import PROJECT, bench_folder, say
from bench.question_source import question_file, read_question_file
from bench.questions import Question, read_questions
from exallm.models.smollm2_source import smollm2_file

_BESIDE_THE_PROJECT = Path("../shared/data/squad-train-12-articles.json")


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
    :param training_file: that ``training`` was read from; ``held_out_file`` likewise.
    :param folder: holds environments, runs and logs; git does not see it.
    """

    settings: TrainingSettings
    gguf: Path
    training: Sequence[Question]
    held_out: Sequence[Question]
    folder: Path
    say: Callable[[str], None]
    training_file: Path
    held_out_file: Path


def open_training_bench(held_out: Path | None, training: Path | None) -> TrainingBench:
    """The bench with its model and data.

    :param held_out: a file in the form of SQuAD v1.1; None for XQuAD, beside the project or from
        the Hub.
    :param training: a file in the same form; None for the one beside the project.
    :raises ExallmError: as ``read_questions``.
    :raises BenchError: where one of them is not there.
    """
    folder = bench_folder()
    training_file = training or PROJECT / _BESIDE_THE_PROJECT
    if not training_file.is_file():
        raise BenchError("there are no questions to train on; name a file with --training-data")
    held_out_file = question_file(held_out, PROJECT, folder / "data")
    return TrainingBench(
        TrainingSettings(),
        smollm2_file(folder / "home" / "models", say),
        read_questions(training_file),
        read_question_file(held_out_file),
        folder,
        say,
        training_file,
        held_out_file,
    )
