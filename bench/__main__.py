"""``python -m bench``: every benchmark, a table, and one JSON object as the last line."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bench import duplicates, f1_delta, first_answer, prefix, second_process, throughput
from bench.database import open_database
from bench.error import BenchError
from bench.machine import describe_machine
from bench.page import PAGE, TABLE_COMMAND, write_section
from bench.project import PROJECT, bench_folder, say
from bench.question_source import load_questions
from bench.result import Result, json_line, markdown_table, result_table
from bench.settings import BenchSettings
from bench.workbench import Workbench
from exallm.cli.run_command import run_command

_WIDTH = 160

BENCHMARKS: dict[str, Callable[[Workbench], list[Result]]] = {
    "throughput": throughput.measure,
    "prefix": prefix.measure,
    "duplicates": duplicates.measure,
    "f1_delta": f1_delta.measure,
    "first_answer": first_answer.measure,
    "second_process": second_process.measure,
}


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Questions in the form of SQuAD v1.1; by default XQuAD, found beside the project or "
    "loaded from the Hub.",
)
@click.option("--rows", type=click.IntRange(1), help="Take this many questions, by default all.")
@click.option("--quick", is_flag=True, help="A smoke test with few rows: its figures mean nothing.")
@click.option(
    "--only",
    type=click.Choice(list(BENCHMARKS)),
    multiple=True,
    help="Run this benchmark; may be given several times.",
)
@click.option("--write", is_flag=True, help="Put the table into docs/performance.md, too.")
def bench(
    data: Path | None, rows: int | None, quick: bool, only: tuple[str, ...], write: bool
) -> None:
    """Measure exallm beside what users have today.

    \b
    Example:
      python -m bench --data xquad.en.json --rows 200
    """
    if write and (quick or only):
        raise click.UsageError("--write is for the whole bench, without --quick and --only")
    settings = BenchSettings.quick() if quick else BenchSettings()
    if rows is not None:
        settings = replace(settings, rows=rows)
    began = time.monotonic()
    folder = bench_folder()
    questions = load_questions(data, PROJECT, folder / "data")[: settings.rows]
    # The table is for people and may be piped: it keeps its width, and the JSON its one line.
    console = Console(width=_WIDTH)
    machine = f"{datetime.date.today()}: {describe_machine()}"
    console.print(machine)
    with open_database(folder / "home", settings.worker_limit) as database:
        workbench = Workbench(settings, questions, database, folder, say)
        results = run(workbench, only or tuple(BENCHMARKS))
    console.print(result_table(results))
    length = f"{len(questions)} questions, {time.monotonic() - began:.0f} s in all"
    console.print(length)
    if write:
        write_section(PAGE, TABLE_COMMAND, f"{machine}; {length}.\n\n{markdown_table(results)}")
    click.echo(json_line(results))


def run(workbench: Workbench, names: Sequence[str]) -> list[Result]:
    """The results of these benchmarks, one after the other."""
    return [result for name in names for result in BENCHMARKS[name](workbench)]


if __name__ == "__main__":
    run_command(bench, BenchError)
