"""A model of 10 million parameters from random weights, ten minutes long, on held-out articles."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.environments import TRAINER
from bench.program import Program
from bench.project import PROJECT
from bench.result import Result
from bench.training_bench import TrainingBench

_MINUTES = 10
_VOCABULARY = 4096
_OWN_QUESTIONS = PROJECT / "trainer" / "questions"


def measure(bench: TrainingBench) -> list[Result]:
    """Bits a byte of the held-out passages; the run stays in ``.bench/scratch`` for a look."""
    python = TRAINER.python(bench.folder, bench.say)
    folder = bench.folder / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    bench.say(f"a model from random weights, {_MINUTES} minutes")
    texts = list(dict.fromkeys(question.context for question in bench.held_out))
    request = {
        "sources": [_source("training", bench.training_file), f"own=questions:{_OWN_QUESTIONS}"],
        "held_out": [_source("held-out", bench.held_out_file)],
        "texts": texts,
        "vocabulary": _VOCABULARY,
        "minutes": _MINUTES,
        "folder": str(folder),
    }
    with Program(python, "scratch_run", [], bench.folder / "logs") as program:
        reply = program.ask(request)
    detail = (
        f"{reply['start']:.2f} at the start; {reply['parameters'] / 1e6:.1f} million parameters,"
        f" {reply['steps']} steps and {reply['tokens']:,} tokens in {reply['seconds']:.0f} s with"
        f" {reply['threads']} threads ({reply['state']}); {len(texts)} held-out passages"
    )
    return [Result("scratch_bpb", float(reply["end"]), detail)]


def _source(name: str, file: Path) -> str:
    return f"{name}={'table' if file.suffix == '.parquet' else 'squad'}:{file}"
