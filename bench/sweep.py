"""A sweep of the recipe lora: what its best trial gains over the recipe's own settings."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.environments import TRAINER
from bench.program import Program
from bench.questions import Question
from bench.result import Result
from bench.training_bench import TrainingBench
from bench.training_speed import examples_of

_PASSAGES_A_STEP = 4
_STEPS = 40
_VALIDATION_PASSAGES = 60


def measure(bench: TrainingBench) -> list[Result]:
    """Exact match on passages that no trial trains on, in points, after the same steps."""
    minutes = bench.settings.sweep_minutes
    bench.say(f"a sweep of {minutes:g} minutes")
    passages = list(dict.fromkeys(question.context for question in bench.training))
    # The first and the last articles.
    training = _about(bench.training, passages[: _STEPS * _PASSAGES_A_STEP])
    validation = _about(bench.training, passages[-_VALIDATION_PASSAGES:])
    request = {
        "training": examples_of(training),
        "validation": examples_of(validation),
        "passages_per_step": _PASSAGES_A_STEP,
        "minutes": minutes,
    }
    python = TRAINER.python(bench.folder, bench.say)
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        Program(python, "sweep_run", [bench.gguf], bench.folder / "logs") as program,
    ):
        reply = program.ask({**request, "folder": str(Path(folder))})
    settings = ", ".join(f"{name} = {value:.3g}" for name, value in reply["settings"].items())
    detail = (
        f"{100 * reply['best']:.1f} against {100 * reply['own']:.1f}% of"
        f" {len(validation)} validation answers to the letter, after {reply['steps']}"
        f" steps; {reply['trials']} trials in {minutes:g} minutes, {reply['pruned']} of them ended"
        f" early; the best has {settings}; it was chosen by these very answers"
    )
    return [Result("sweep_gain", 100 * (reply["best"] - reply["own"]), detail)]


def _about(questions: Sequence[Question], contexts: Sequence[str]) -> list[Question]:
    chosen = set(contexts)
    return [question for question in questions if question.context in chosen]
