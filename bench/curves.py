"""``python -m bench.curves``: rows a second against batch size, prompt length and processes.

Prints a table, draws ``docs/performance.svg`` and puts both into ``docs/performance.md``.
Each point is the median of a few whole statements, with starting processes and loading the model.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import click
from rich.console import Console
from rich.table import Table

from bench.database import open_database
from bench.environments import TORCH
from bench.error import BenchError
from bench.machine import describe_machine
from bench.measurement import Timed, median_rate
from bench.page import CURVES_COMMAND, PAGE, write_section
from bench.project import PROJECT, bench_folder, say
from bench.question_source import load_questions
from bench.questions import Question, five_a_passage
from bench.settings import BenchSettings
from bench.workbench import Workbench
from exallm.cli.run_command import run_command

_BATCH_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)
_PASSAGES_A_PROMPT = (1, 2, 3, 4, 5)
_ROWS = 60
_LONG_ROWS = 24
_QUICK_ROWS = 5


@dataclass(frozen=True)
class Point:
    """One measurement: its place on the axis and rows a second."""

    x: float
    rate: float


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="As for python -m bench.")
@click.option("--quick", is_flag=True, help="A smoke test: it writes nothing.")
def curves(data: Path | None, quick: bool) -> None:
    """Measure and draw how the rows a second depend on the work's shape.

    \b
    Example:
      python -m bench.curves
    """
    settings = BenchSettings.quick() if quick else BenchSettings()
    folder = bench_folder()
    questions = load_questions(data, PROJECT, folder / "data")
    with open_database(folder / "home", 2 * settings.processes) as database:
        bench = Workbench(settings, questions, database, folder, say)
        found = {
            "batch size (prompts)": batch_sizes(bench),
            "prompt length (tokens)": prompt_lengths(bench),
            "processes": process_counts(bench),
        }
    machine = f"{datetime.date.today()}: {describe_machine()}"
    Console().print(_table(found))
    if quick:
        return
    points = folder / "curves.json"
    points.write_text(
        json.dumps({name: [[p.x, p.rate] for p in curve] for name, curve in found.items()})
    )
    drawing = PAGE.with_suffix(".svg")
    command = [str(TORCH.python(folder, say)), "-m", "bench.plot", str(points), str(drawing)]
    subprocess.run(command, cwd=PROJECT, check=True)
    picture = f"![rows a second against {', '.join(found)}]({drawing.name})"
    content = f"{machine}.\n\n{picture}\n\n{_markdown(found)}"
    write_section(PAGE, CURVES_COMMAND, content)


def batch_sizes(bench: Workbench) -> list[Point]:
    """One process with all cores; so many prompts are handed to the engine at once."""
    bench.database.load(_chosen(bench))
    options = {"threads": bench.settings.processes * bench.settings.threads}
    return [
        Point(size, _rate(bench, f"batches of {size}", 1, {**options, "batch_rows": size}))
        for size in _BATCH_ROWS
    ]


def prompt_lengths(bench: Workbench) -> list[Point]:
    """Prompts with several passages in their context, each passage in one prompt only."""
    points = []
    for passages in _PASSAGES_A_PROMPT:
        rows = joined_passages(bench.questions, passages)[: min(_LONG_ROWS, len(_chosen(bench)))]
        bench.database.load(rows)
        given = bench.database.answer_batch(bench.settings.processes, bench.process_options)
        tokens = mean(int(row["PROMPT_TOKENS"]) for row in given.rows.values())
        name = f"prompts of {tokens:.0f} tokens"
        rate = _rate(bench, name, bench.settings.processes, bench.process_options)
        points.append(Point(round(tokens), rate))
    return points


def process_counts(bench: Workbench) -> list[Point]:
    """All cores, shared out among more and more processes."""
    bench.database.load(_chosen(bench))
    cores = bench.settings.processes * bench.settings.threads
    return [
        Point(count, _rate(bench, f"{count} processes", count, {"threads": max(1, cores // count)}))
        for count in range(1, 2 * bench.settings.processes + 1)
    ]


def joined_passages(questions: Sequence[Question], passages: int) -> list[Question]:
    """The first question of each run of neighbouring passages, about all of them."""
    first = {question.document: question for question in reversed(questions)}
    ordered = [first[document] for document in sorted(first)]
    runs = [
        ordered[start : start + passages]
        for start in range(0, len(ordered) - passages + 1, passages)
    ]
    return [replace(run[0], context=" ".join(q.context for q in run)) for run in runs]


def _chosen(bench: Workbench) -> list[Question]:
    rows = _QUICK_ROWS if bench.settings == BenchSettings.quick() else _ROWS
    return five_a_passage(bench.questions, rows // 5)


def _rate(bench: Workbench, name: str, processes: int, options: dict[str, int]) -> float:
    bench.say(name)
    timed = []
    for _ in range(bench.settings.rounds):
        given = bench.database.answer_batch(processes, options)
        timed.append(Timed(len(given.rows), given.seconds))
    return median_rate(timed)


def _table(found: dict[str, list[Point]]) -> Table:
    table = Table("against", "value", "rows/s")
    for name, curve in found.items():
        for point in curve:
            table.add_row(name, f"{point.x:g}", f"{point.rate:.1f}")
    return table


def _markdown(found: dict[str, list[Point]]) -> str:
    lines = ["| against | rows a second |", "|---|---|"]
    for name, curve in found.items():
        points = ", ".join(f"{point.x:g}: {point.rate:.1f}" for point in curve)
        lines.append(f"| {name} | {points} |")
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(curves, BenchError)
