"""Rows of a table as documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.occurrence import occurrence_at
from exallm_udfs.errors import ExallmError

# A column's name where the request gives none: the first of these that is there.
_USUAL = {
    "context": ("context",),
    "question": ("question",),
    "answers": ("answers", "answer"),
    "document": ("document", "title"),
    "id": ("id",),
    "text": ("text",),
}
_USUAL_OF_PAIRS = {
    "prompt": ("prompt",),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "document": ("document", "title"),
    "id": ("id",),
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """Names of columns; case does not count. None: the usual name.

    :param text: a column of texts without questions; then context and question are not read.
    """

    context: str | None = None
    question: str | None = None
    answers: str | None = None
    document: str | None = None
    id: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class RowReader:
    """The columns of one table that are read, each by the name that it has there."""

    source: str
    columns: Mapping[str, str]

    def documents(self, rows: Iterable[Row]) -> Iterator[Document]:
        """Rows of equal document together, and in it rows of equal context as one paragraph.

        A row without a document is in one with all rows of its context. An answer is a text, a
        list of texts, or a mapping with such a list as ``text``; none, or an empty one, says that
        the context holds no answer. Rows that ask the same about one context give one question
        with all their answers.

        :raises ExallmError: E-EXALLM-DATA-3 where a value has another type.
        """
        groups: dict[str, _Group] = {}
        for number, row in enumerate(rows, start=1):
            text = self.text(row, "text" if "text" in self.columns else "context", number)
            title = self.text(row, "document", number) or None
            name = title or f"context {text_digest(text)}"
            group = groups.setdefault(name, _Group(title))
            asked = group.paragraphs.setdefault(text, {})
            if "question" in self.columns:
                self._ask(asked, text, row, number)
        for name, group in groups.items():
            yield group.document(self.source, name)

    def _ask(self, asked: dict[str, _Asked], context: str, row: Row, number: int) -> None:
        text = self.text(row, "question", number)
        identity = self.text(row, "id", number) or text_digest(f"{context}\n{text}")
        question = asked.setdefault(text, _Asked(identity))
        cell = row[self.columns["answers"]]
        found = _answers(cell)
        if found is None:
            raise _unusable(self.source, number, "answers")
        if not question.answers:
            question.occurrence = _occurrence(cell, context)
        question.answers.update(dict.fromkeys(found))

    def text(self, row: Row, role: str, number: int) -> str:
        """The value of a role's column as text; empty where it is null or there is no such column.

        :param number: of the row, from 1.
        :raises ExallmError: E-EXALLM-DATA-3 where it has another type.
        """
        if role not in self.columns:
            return ""
        value = row[self.columns[role]]
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise _unusable(self.source, number, role)


def row_reader(source: str, present: Sequence[str], columns: Columns) -> RowReader:
    """The reader of a table that has the columns ``present``.

    :raises ExallmError: E-EXALLM-DATA-2 where one that is needed is not there.
    """
    wanted = {role: getattr(columns, role) for role in _USUAL}
    found = _found(source, present, _USUAL, wanted)
    if columns.text is not None or ("context" not in found and "text" in found):
        return RowReader(source, {r: n for r, n in found.items() if r in ("text", "document")})
    _require(source, ("context", "question", "answers"), found, present)
    found.pop("text", None)
    return RowReader(source, found)


def pair_reader(source: str, present: Sequence[str]) -> RowReader:
    """The reader of a table of preference pairs.

    :raises ExallmError: E-EXALLM-DATA-2 where ``prompt``, ``chosen`` or ``rejected`` is missing.
    """
    found = _found(source, present, _USUAL_OF_PAIRS, {})
    _require(source, ("prompt", "chosen", "rejected"), found, present)
    return RowReader(source, found)


def _found(
    source: str,
    present: Sequence[str],
    usual: Mapping[str, Sequence[str]],
    wanted: Mapping[str, str | None],
) -> dict[str, str]:
    """Role to column: the one that is wanted, else the first of the usual ones that is there."""
    known = {name.casefold(): name for name in reversed(present)}
    found: dict[str, str] = {}
    for role, candidates in usual.items():
        named = wanted.get(role)
        if named is not None and named.casefold() not in known:
            raise _missing(source, named, present)
        names = candidates if named is None else (named,)
        columns = [known[name.casefold()] for name in names if name.casefold() in known]
        if columns:
            found[role] = columns[0]
    return found


def _require(
    source: str, roles: Sequence[str], found: Mapping[str, str], present: Sequence[str]
) -> None:
    for role in roles:
        if role not in found:
            raise _missing(source, role, present)


@dataclass
class _Asked:
    id: str
    answers: dict[str, None] = field(default_factory=dict)
    occurrence: int | None = None


@dataclass
class _Group:
    title: str | None
    paragraphs: dict[str, dict[str, _Asked]] = field(default_factory=dict)

    def document(self, source: str, name: str) -> Document:
        paragraphs = tuple(
            Paragraph(
                context,
                tuple(
                    Question(a.id, text, tuple(a.answers), a.occurrence)
                    for text, a in asked.items()
                ),
            )
            for context, asked in self.paragraphs.items()
        )
        return Document(source, name, paragraphs, self.title)


def _answers(value: Any) -> list[str] | None:
    """The answers of a cell, or None where it is of no type that holds answers."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = value.get("text")
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, (list, tuple)):
        return None
    if not all(isinstance(one, (str, int)) for one in value):
        return None
    return [str(one) for one in value if one != ""]


def _occurrence(cell: Any, context: str) -> int | None:
    """That of the first answer, where the cell tells its place as the rows of SQuAD do."""
    match cell:
        case {"text": [str(text), *_], "answer_start": [int(start), *_]}:
            return occurrence_at(text, context, start)
    return None


def text_digest(text: str) -> str:
    """A name for a text that has none: the first 16 hexadecimal digits of its sha256."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def _missing(source: str, column: str, present: Sequence[str]) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DATA-2",
        f"the source {source} has no column {column}, only {', '.join(present) or 'none'}",
        "say which of its columns is meant",
    )


def _unusable(source: str, number: int, column: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DATA-3",
        f"row {number} of the source {source} has no text in its column for {column}",
        "correct the row, or leave it out",
    )
