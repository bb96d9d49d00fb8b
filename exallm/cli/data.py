"""``exallm data``: from sources to prepared data."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from exallm.cli.progress import progress
from exallm.cli.trainer_extra import require_trainer
from exallm.installer.target import secret
from exallm.local.control import require_running
from exallm.local.engine_home import USER, EngineHome

if TYPE_CHECKING:
    from exallm_trainer.data.card import DataCard
    from exallm_trainer.data.login import ExasolLogin
    from exallm_trainer.data.sources import Access, SourceRequest

F = TypeVar("F", bound=Callable[..., Any])
_COLUMN_ROLES = ("context", "question", "answers", "document", "id", "text")
COLUMN_OPTION = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=COLUMN",
    help=f"A column of tables that has another name than its role: {', '.join(_COLUMN_ROLES)}.",
)
_DATABASE_OPTIONS = (
    click.option("--local", is_flag=True, help="exasol: is the embedded engine."),
    click.option("--dsn", help="exasol: is this database, as host:port or host/fingerprint:port."),
    click.option("--db-user", help="Its user; the password comes from DB_PASSWORD."),
)


def source_option(help: str) -> Callable[[F], F]:
    """The option that names sources, one or several."""
    return click.option(
        "--source",
        "sources",
        multiple=True,
        required=True,
        metavar="[NAME=]KIND:PLACE",
        help=help,
    )


def database_options(command: F) -> F:
    """Add the options that name the database of ``exasol:`` sources, for :func:`access_of`."""
    for option in reversed(_DATABASE_OPTIONS):
        command = option(command)
    return command


@click.group()
def data() -> None:
    """Data to train on.

    \b
    Example:
      exallm data prepare --source squad:train-v1.1.json --out data/qa
    """


@data.command("prepare")
@source_option(
    "squad:FILE, questions:FILE-OR-FOLDER, table:FILE, documents:FILE-OR-FOLDER,"
    " hub:OWNER/NAME@SPLIT, exasol:TABLE-OR-QUERY, synthetic:FOLDER, or pairs:FILE. May be"
    " repeated."
)
@click.option(
    "--held-out",
    multiple=True,
    metavar="[NAME=]KIND:PLACE",
    help="A set, named alike, that training must not have seen. May be repeated.",
)
@click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="NAME=LICENCE",
    help="Licence of a source, for the data card. May be repeated.",
)
@COLUMN_OPTION
@click.option(
    "--validation-share",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the documents that is for validation.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Another one splits otherwise."
)
@click.option(
    "--chunk-words",
    type=click.IntRange(16),
    default=200,
    show_default=True,
    help="Words that a chunk of text without questions has at most.",
)
@database_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the data card as one JSON object.")
def prepare_command(
    sources: Sequence[str],
    held_out: Sequence[str],
    licences: Sequence[str],
    columns: Sequence[str],
    validation_share: float,
    seed: int,
    chunk_words: int,
    local: bool,
    dsn: str | None,
    db_user: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Clean, deduplicate, decontaminate and split sources into the folder OUT.

    What is left out is counted by its reason. The same sources and settings give the same bytes,
    and where OUT has them already nothing is done.

    \b
    Example:
      exallm data prepare --source squad:train-v1.1.json --licence train-v1.1=CC-BY-SA-4.0 \\
        --source documents:handbook --held-out squad:dev-v1.1.json --out data/qa
    """
    require_trainer()
    kinds = import_module("exallm_trainer.data.sources")
    core = import_module("exallm_trainer.data.prepare")
    request = core.PrepareRequest(
        sources=_licensed([kinds.parse_source(source) for source in sources], licences),
        held_out=[kinds.parse_source(source) for source in held_out],
        settings=import_module("exallm_trainer.data.settings").PrepareSettings(
            validation_share=validation_share, seed=seed, chunk_words=chunk_words
        ),
        access=access_of(columns, local, dsn, db_user),
    )
    # What these tell of a single page is counted by its reason.
    for library in ("pdfminer", "bs4"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with progress("reading the sources") as shown:
        card = core.prepare(request, out, shown.step).card
    if as_json:
        click.echo(json.dumps(card.values()))
        return
    _show(card, Console())
    recipe = "lora" if card.train.examples else "dpo"
    click.echo(f"to train on it: exallm train {recipe} --data {out} --out RUN")


def _licensed(sources: Sequence[SourceRequest], licences: Sequence[str]) -> list[SourceRequest]:
    named = _named_values(licences, "licence", [source.name for source in sources])
    return [replace(source, licence=named.get(source.name)) for source in sources]


def access_of(columns: Sequence[str], local: bool, dsn: str | None, user: str | None) -> Access:
    """What sources need beside their names: the columns of tables, and the database.

    :raises click.UsageError: for a column of an unknown role, and for a database without a user.
    """
    found: Access = import_module("exallm_trainer.data.sources").Access(
        import_module("exallm_trainer.data.rows").Columns(
            **_named_values(columns, "column", _COLUMN_ROLES)
        ),
        _database_login(local, dsn, user),
    )
    return found


def _named_values(values: Sequence[str], option: str, known: Sequence[str]) -> dict[str, str]:
    found = {}
    for value in values:
        name, separator, meaning = value.partition("=")
        if not separator or not meaning or name not in known:
            raise click.UsageError(
                f"--{option} {value}: write NAME=VALUE, with NAME one of {', '.join(known)}"
            )
        found[name] = meaning
    return found


def _database_login(local: bool, dsn: str | None, user: str | None) -> ExasolLogin | None:
    login: Any = import_module("exallm_trainer.data.login").ExasolLogin
    if local:
        if dsn:
            raise click.UsageError("--local and --dsn exclude each other")
        home = EngineHome.default()
        running = require_running(home)
        found: ExasolLogin = login(running.dsn, USER, home.password(), encryption=False)
        return found
    if not dsn:
        return None
    if not user:
        raise click.UsageError("name the user of the database with --db-user")
    found = login(dsn, user, secret("DB_PASSWORD"))
    return found


def _show(card: DataCard, console: Console) -> None:
    """The card's counts as tables."""
    has_pairs = card.train.pairs > 0
    pairs = ("pairs",) if has_pairs else ()
    read = _table("read", "licence", "documents", "paragraphs", "questions", *pairs)
    for name, group in (("", card.sources), ("held out: ", card.held_out)):
        for source in group:
            counts = [source.documents, source.paragraphs, source.questions]
            counts += [source.pairs] if has_pairs else []
            told = name + source.name
            if source.synthetic is not None:
                told += ", which a model wrote"
            read.add_row(told, source.licence or "not stated", *map(str, counts))
    console.print(read)
    if card.dropped:
        dropped = _table("left out", "of", "reason", "count")
        for entry in card.dropped:
            dropped.add_row(entry.unit, entry.source, entry.reason, str(entry.count))
        console.print(dropped)
    split = _table("split", "documents", "examples", "texts", *pairs)
    for name, side in (("train", card.train), ("validation", card.validation)):
        counts = [side.documents, side.examples, side.texts] + ([side.pairs] if has_pairs else [])
        split.add_row(name, *map(str, counts))
    console.print(split)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    numbers = ("documents", "paragraphs", "questions", "examples", "texts", "pairs", "count")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table
