"""What the commands that measure the trainer share: options, and telling what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.machine import describe_machine
from bench.result import Aim, Result, json_line, result_table
from bench.training_bench import TrainingBench

_WIDTH = 160

Benchmarks = Mapping[str, Callable[[TrainingBench], list[Result]]]


def training_options(benchmarks: Benchmarks) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--data``, ``--training-data`` and ``--only``."""
    options = (
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            help="Held-out questions in the form of SQuAD v1.1; by default XQuAD.",
        ),
        click.option(
            "--training-data",
            type=click.Path(path_type=Path),
            help="Questions to train on, in the same form.",
        ),
        click.option(
            "--only",
            type=click.Choice(list(benchmarks)),
            multiple=True,
            help="Run this benchmark; may be given several times.",
        ),
    )

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def tell(
    open_bench: Callable[[], TrainingBench],
    benchmarks: Benchmarks,
    only: Sequence[str],
    aims: Mapping[str, Aim],
) -> None:
    """Run the benchmarks, or those named, and print a table and, as the last line, one object."""
    began = time.monotonic()
    bench = open_bench()
    console = Console(width=_WIDTH)
    console.print(describe_machine())
    results: list[Result] = []
    for name in only or tuple(benchmarks):
        found = benchmarks[name](bench)
        for result in found:  # told at once: a later benchmark may fail
            bench.say(f"{result.key}: {result.value}; {result.detail}")
        results += found
    console.print(result_table(results))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    click.echo(json_line(results, aims))
