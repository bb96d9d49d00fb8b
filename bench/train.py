"""``python -m bench.train``: the shipped adapter and the trainer, measured; trains nothing long."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from bench import resume, training_speed, tuned
from bench.error import BenchError
from bench.machine import describe_machine
from bench.result import TRAINING_AIMS, Result, json_line, result_table
from bench.training_bench import TrainingBench, open_training_bench
from exallm.cli.run_command import run_command

_WIDTH = 160
BENCHMARKS: dict[str, Callable[[TrainingBench], list[Result]]] = {
    "tuned": tuned.measure,
    "speed": training_speed.measure,
    "resume": resume.measure,
}


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Held-out questions in the form of SQuAD v1.1; by default XQuAD.",
)
@click.option(
    "--training-data",
    type=click.Path(path_type=Path),
    help="Questions to train on for a few steps, in the same form.",
)
@click.option(
    "--only",
    type=click.Choice(list(BENCHMARKS)),
    multiple=True,
    help="Run this benchmark; may be given several times.",
)
def train_bench(data: Path | None, training_data: Path | None, only: tuple[str, ...]) -> None:
    """Measure the adapter that exallm ships, and its trainer beside TRL.

    \b
    Example:
      python -m bench.train --data xquad.en.json --only tuned
    """
    began = time.monotonic()
    bench = open_training_bench(data, training_data)
    console = Console(width=_WIDTH)
    console.print(describe_machine())
    results = [r for name in only or tuple(BENCHMARKS) for r in BENCHMARKS[name](bench)]
    console.print(result_table(results))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    click.echo(json_line(results, TRAINING_AIMS))


if __name__ == "__main__":
    run_command(train_bench, BenchError)
