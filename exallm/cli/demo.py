"""``exallm demo``: the whole way on this machine, in one command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exallm.cli.install import install_into
from exallm.cli.progress import progress
from exallm.demo.documents import Document, parse_documents, read_documents
from exallm.demo.table import QUERY, load, tokens
from exallm.installer.sql_files import example_text
from exallm.installer.statements import run, value
from exallm.installer.target import DEFAULT_SCHEMA, local_target
from exallm.local.control import EngineSettings, start
from exallm.local.engine_home import EngineHome, RunningEngine
from exallm.models.run_source import QA_NAME
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.sql_text import quote_identifier
from exallm_udfs.errors import ExallmError
from exallm_udfs.metrics import exact_match

_SHOWN_ROWS = 60


@dataclass(frozen=True)
class Outcome:
    """What the demonstration measured.

    :param answers: one a document, None where there is none.
    :param base_answers: those of the model as published, where the demonstration compares.
    :param seconds: of the SELECT, with the time to load the model.
    """

    answers: Sequence[str | None]
    base_answers: Sequence[str | None] | None
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    version: int
    package: str


@click.command()
@click.option(
    "--docs",
    type=click.Path(path_type=Path),
    help="A CSV file of your own with the columns context, question and, if known, answer.",
)
@click.option(
    "--model", help="Show this one alone; as exallm model add takes it.", metavar="SOURCE"
)
def demo(docs: Path | None, model: str | None) -> None:
    """Start the embedded engine, install exallm and a model, and ask it in SQL.

    The model that exallm ships answers beside the one that it was trained from. A second run reuses
    what is there.

    \b
    Example:
      exallm demo --docs my_questions.csv
    """
    documents = (
        read_documents(docs) if docs else parse_documents(example_text("docs.csv"), "docs.csv")
    )
    home = EngineHome.default()
    with progress("starting the embedded engine") as shown:
        running = _start(home)
        target = local_target(home, running, DEFAULT_SCHEMA)
        with target.database.session() as connection:
            base = None
            if model is None:
                _, added = install_into(connection, target, SMOLLM2, shown)
                base = added.version if added else None
            install_into(connection, target, model or QA_NAME, shown, alias="champion")
            run(connection, f"OPEN SCHEMA {quote_identifier(target.schema)}")
            shown.step("loading the table DOCS")
            load(connection, documents)
            shown.step(f"{QUERY}  ({len(documents)} rows; each process loads the model first)")
            outcome = _ask(connection, documents, base)
    _print(documents, outcome)
    _print_ways_on(running)
    answered = sum(answer is not None for answer in outcome.answers)
    click.echo(f"answered {answered} of {len(documents)} rows")


def _start(home: EngineHome) -> RunningEngine:
    """The engine on Exasol's own port, or on a free one where that is taken."""
    try:
        return start(home, EngineSettings())
    except ExallmError as error:
        if error.code != "E-EXALLM-LOCAL-1":
            raise
        return start(home, EngineSettings(port=0))


def _ask(connection: Any, documents: Sequence[Document], base: int | None) -> Outcome:
    began = time.monotonic()
    rows = dict(run(connection, QUERY))
    seconds = time.monotonic() - began
    answers = [rows[document.number] for document in documents]
    base_answers = None
    if base is not None:
        rows = dict(run(connection, f"SELECT id, AI_COMPLETE('qa@v{int(base)}', ctx) FROM docs"))
        base_answers = [rows[document.number] for document in documents]
    prompt_tokens, answer_tokens = tokens(connection, answers)
    version = value(
        connection,
        "SELECT MODEL_VERSION FROM CURRENT_MODELS WHERE MODEL = 'qa' AND ALIAS_NAME = 'champion'",
    )
    package = value(
        connection,
        f"SELECT SHA256 FROM MODEL_VERSIONS WHERE MODEL = 'qa' AND MODEL_VERSION = {int(version)}",
    )
    return Outcome(
        answers, base_answers, seconds, prompt_tokens, answer_tokens, int(version), package
    )


def _print(documents: Sequence[Document], outcome: Outcome) -> None:
    table = Table(title=Text(QUERY), title_justify="left", show_lines=False)
    table.add_column("id", justify="right", style="dim")
    table.add_column("question", ratio=4)
    if outcome.base_answers is not None:
        table.add_column("as published", ratio=3)
    table.add_column("GPT2_INFERENCE(ctx)", ratio=3)
    with_gold = any(document.gold for document in documents)
    if with_gold:
        table.add_column("known answer", ratio=2, style="dim")
    for place, document in enumerate(documents[:_SHOWN_ROWS]):
        cells = [Text(str(document.number)), Text(document.question)]
        if outcome.base_answers is not None:
            cells.append(_cell(outcome.base_answers[place], document.gold))
        cells.append(_cell(outcome.answers[place], document.gold))
        if with_gold:
            cells.append(Text(document.gold or ""))
        table.add_row(*cells)
    console = Console()
    console.print(table)
    if len(documents) > _SHOWN_ROWS:
        console.print(f"and {len(documents) - _SHOWN_ROWS} more rows")
    rate = len(documents) / outcome.seconds
    click.echo(f"model    qa version {outcome.version}, package {outcome.package[:12]}")
    click.echo(
        f"speed    {len(documents)} rows in {outcome.seconds:.1f} s: {rate:.1f} rows a second,"
        " loading the model included"
    )
    if with_gold:
        right = f"right    {_right(outcome.answers, documents)} to the letter"
        if outcome.base_answers is not None:
            right += f", {_right(outcome.base_answers, documents)} by the model as published"
        click.echo(right)
    click.echo(
        f"tokens   {outcome.prompt_tokens:,} in the texts, {outcome.answer_tokens:,} answered"
    )


def _cell(answer: str | None, gold: str | None) -> Text:
    """An answer, green where it is the known one and red where it is another one."""
    if answer is None:
        return Text("NULL", style="dim")
    if gold is None:
        return Text(answer)
    return Text(answer, style="green" if exact_match(answer, [gold]) else "red")


def _right(answers: Sequence[str | None], documents: Sequence[Document]) -> int:
    return sum(
        int(exact_match(answer, [document.gold]))
        for answer, document in zip(answers, documents, strict=True)
        if document.gold
    )


def _print_ways_on(running: RunningEngine) -> None:
    click.echo(f"the engine goes on at {running.dsn}; ask it yourself, or stop it:")
    click.echo('  exallm local sql --schema EXALLM "SELECT id, GPT2_INFERENCE(ctx) FROM docs"')
    click.echo("  exallm local stop")
