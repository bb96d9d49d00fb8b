"""``python -m bench.recipes``: what each recipe of the trainer reaches."""

from __future__ import annotations

from pathlib import Path

import click

from bench import dpo, processes, scratch, span, sweep
from bench.error import BenchError
from bench.result import RECIPES_AIMS
from bench.training_bench import TrainingSettings, open_training_bench
from bench.training_command import Benchmarks, tell, training_options
from exallm.cli.run_command import run_command

BENCHMARKS: Benchmarks = {
    "scratch": scratch.measure,
    "dpo": dpo.measure,
    "ddp": processes.measure,
    "sweep": sweep.measure,
    "span": span.measure,
}


@click.command()
@training_options(BENCHMARKS)
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
    tell(
        lambda: open_training_bench(
            data, training_data, TrainingSettings(sweep_minutes=sweep_minutes)
        ),
        BENCHMARKS,
        only,
        RECIPES_AIMS,
    )


if __name__ == "__main__":
    run_command(recipes_bench, BenchError)
