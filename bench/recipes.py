"""``python -m bench.recipes``: what each recipe of the trainer reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from bench import dpo, processes, scratch, span, sweep
from bench.error import BenchError
from bench.machine import describe_machine
from bench.result import RECIPES_AIMS, Result, json_line, result_table
from bench.training_bench import TrainingBench, TrainingSettings, open_training_bench
from exallm.cli.run_command import run_command

_WIDTH = 160
BENCHMARKS: dict[str, Callable[[TrainingBench], list[Result]]] = {
    "scratch": scratch.measure,
    "dpo": dpo.measure,
    "span": span.measure,
    "ddp": processes.measure,
    "sweep": sweep.measure,
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
    help="Questions to train on, in the same form.",
)
@click.option(
    "--only",
    type=click.Choice(list(BENCHMARKS)),
    multiple=True,
    help="Run this benchmark; may be given several times.",
)
@click.option(
    "--sweep-minutes",
    type=click.FloatRange(0, min_open=True),
    default=TrainingSettings.sweep_minutes,
    show_default=True,
    help="Of all trials of the sweep together.",
)
def recipes_bench(
    data: Path | None, training_data: Path | None, only: tuple[str, ...], sweep_minutes: float
) -> None:
    """Train by the recipes for some minutes each, and judge what comes of it.

    \b
    Example:
      python -m bench.recipes --only scratch
    """
    began = time.monotonic()
    bench = open_training_bench(data, training_data, TrainingSettings(sweep_minutes=sweep_minutes))
    console = Console(width=_WIDTH)
    console.print(describe_machine())
    results = [r for name in only or tuple(BENCHMARKS) for r in BENCHMARKS[name](bench)]
    console.print(result_table(results))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    click.echo(json_line(results, RECIPES_AIMS))


if __name__ == "__main__":
    run_command(recipes_bench, BenchError)
