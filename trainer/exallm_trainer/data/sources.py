"""The sources that a request names, and the reader of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.login import ExasolLogin
from exallm_trainer.data.pairs_source import PairsSource
from exallm_trainer.data.rows import Columns
from exallm_udfs.errors import ExallmError

Kind = Literal["squad", "questions", "table", "hub", "documents", "exasol", "synthetic", "pairs"]
_WRITTEN = re.compile(
    rf"(?:(?P<name>[\w.-]+)=)?(?P<kind>{'|'.join(get_args(Kind))}):(?P<place>.+)", re.DOTALL
)
_OUTSIDE_OF_A_NAME = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 60


class Source(Protocol):
    """What a reader offers."""

    @property
    def name(self) -> str:
        """How examples, the card and messages call it."""

    @property
    def location(self) -> str:
        """Where it is from, as it may be told to anybody: no folder of a machine."""

    @property
    def licence(self) -> str | None:
        """As the request or else the source itself says."""

    def sha256(self) -> str:
        """Of all that :meth:`documents` is made from."""

    def documents(self, drops: Drops) -> Iterator[Document]:
        """Its documents; what cannot be read is entered as dropped."""


AnySource = Source | PairsSource


@dataclass(frozen=True)
class SourceRequest:
    """A source as a person names it.

    :param location: a path, ``owner/name`` of the Hub, a table or a query.
    """

    kind: Kind
    location: str
    name: str
    licence: str | None = None


@dataclass(frozen=True)
class Access:
    """How sources are read."""

    columns: Columns = field(default_factory=Columns)
    login: ExasolLogin | None = None


def parse_source(text: str) -> SourceRequest:
    """Read ``kind:location`` or ``name=kind:location``.

    Without a name, the file's stem or the last part of the location gives it.

    :raises ExallmError: E-EXALLM-DATA-5 where the text is neither.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ExallmError(
            "E-EXALLM-DATA-5",
            f"{text!r} is no source",
            f"write kind:location, with one of the kinds {', '.join(get_args(Kind))}",
        )
    kind: Kind = match["kind"]  # type: ignore[assignment]
    return SourceRequest(kind, match["place"], match["name"] or _name_of(kind, match["place"]))


def open_source(request: SourceRequest, access: Access) -> Source:
    """The reader of the kind; a library that a kind needs is imported only for it.

    :raises ExallmError: E-EXALLM-DATA-5 where an Exasol source comes without a login, or where the
        source has preference pairs, which :func:`open_pairs` reads.
    """
    name, place, licence = request.name, request.location, request.licence
    if request.kind == "squad":
        from exallm_trainer.data.squad_source import SquadSource

        return SquadSource(name, Path(place), licence)
    if request.kind == "questions":
        from exallm_trainer.data.questions_source import QuestionsSource

        return QuestionsSource(name, Path(place), licence)
    if request.kind == "table":
        from exallm_trainer.data.table_source import TableSource

        return TableSource(name, Path(place), access.columns, licence)
    if request.kind == "hub":
        from exallm_trainer.data.hub_source import HubSource

        return HubSource(name, place, access.columns, licence)
    if request.kind == "documents":
        from exallm_trainer.data.documents_source import DocumentsSource

        return DocumentsSource(name, Path(place), licence)
    if request.kind == "synthetic":
        from exallm_trainer.data.synthetic_source import SyntheticSource

        return SyntheticSource(name, Path(place), licence)
    if request.kind == "pairs":
        raise ExallmError(
            "E-EXALLM-DATA-5",
            f"the source {name} has preference pairs and no texts",
            "name it as a --source of exallm data prepare",
        )
    if access.login is None:
        raise ExallmError(
            "E-EXALLM-DATA-5",
            f"the source {name} is in Exasol, and no database is named",
            "name a database and a user",
        )
    from exallm_trainer.data.exasol_source import ExasolSource

    return ExasolSource(name, place, access.login, access.columns, licence)


def open_pairs(request: SourceRequest) -> PairsSource:
    """The reader of a source of the kind ``pairs``."""
    return PairsSource(request.name, Path(request.location), request.licence)


def _name_of(kind: Kind, location: str) -> str:
    if kind in ("squad", "table", "pairs") or (kind == "questions" and location.endswith(".txt")):
        return Path(location).stem
    if kind in ("questions", "documents", "synthetic"):
        return Path(location).resolve().name
    last = location.split("@")[0].split("/")[-1] if kind == "hub" else location
    return _OUTSIDE_OF_A_NAME.sub("-", last).strip("-")[:_LONGEST_NAME]
