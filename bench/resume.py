"""A run that was killed on the way beside one that was not: every bit of the last checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.environments import TRAINER
from bench.error import BenchError
from bench.program import Program
from bench.questions import Question
from bench.result import Result
from bench.training_bench import TrainingBench
from bench.training_speed import examples_of

_PASSAGES = 24
_KILLED_AT = 5
_FILES = ("weights.safetensors", "optimizer.safetensors")


def measure(bench: TrainingBench) -> list[Result]:
    """Whether weights and optimizer end alike."""
    contexts = list(dict.fromkeys(question.context for question in bench.training))[:_PASSAGES]
    rows = [question for question in bench.training if question.context in set(contexts)]
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        bench.say("a whole run, a run that is killed, and the rest of it")
        whole = _run(bench, rows, Path(folder, "whole"), 0)
        with suppress(BenchError):  # what is killed does not answer
            _run(bench, rows, Path(folder, "killed"), _KILLED_AT)
        resumed = _run(bench, rows, Path(folder, "killed"), 0)
        equal = all((whole / name).read_bytes() == (resumed / name).read_bytes() for name in _FILES)
        detail = f"{whole.name}, killed at step {_KILLED_AT}: weights and optimizer"
    return [Result("resume_equal", equal, detail)]


def _run(bench: TrainingBench, rows: Sequence[Question], folder: Path, kill_at: int) -> Path:
    python = TRAINER.python(bench.folder, bench.say)
    with Program(python, "resumed_run", [bench.gguf], bench.folder / "logs") as program:
        request = {"examples": examples_of(rows), "folder": str(folder), "kill_at": kill_at}
        return Path(program.ask(request)["checkpoint"])
