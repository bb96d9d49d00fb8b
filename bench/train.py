"""``python -m bench.train``: the shipped adapter and the trainer, measured; trains nothing long."""

from __future__ import annotations

from pathlib import Path

import click

from bench import resume, training_speed, tuned
from bench.error import BenchError
from bench.result import TRAINING_AIMS
from bench.training_bench import open_training_bench
from bench.training_command import Benchmarks, tell, training_options
from exallm.cli.run_command import run_command

BENCHMARKS: Benchmarks = {
    "tuned": tuned.measure,
    "speed": training_speed.measure,
    "resume": resume.measure,
}


@click.command()
@training_options(BENCHMARKS)
def train_bench(data: Path | None, training_data: Path | None, only: tuple[str, ...]) -> None:
    """Measure the adapter that exallm ships, and its trainer beside TRL.

    \b
    Example:
      python -m bench.train --data xquad.en.json --only tuned
    """
    tell(lambda: open_training_bench(data, training_data), BENCHMARKS, only, TRAINING_AIMS)


if __name__ == "__main__":
    run_command(train_bench, BenchError)
