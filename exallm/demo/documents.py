"""The rows of the demonstration, from its own texts or a user's CSV file."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.errors import ExallmError

_REQUIRED = ("context", "question")
_TEXT_LIMIT = 2_000_000


@dataclass(frozen=True)
class Document:
    """One row: a passage, a question about it, and the answer where it is known."""

    number: int
    context: str
    question: str
    gold: str | None

    @property
    def ctx(self) -> str:
        """The text for ``GPT2_INFERENCE``: it ends where the answer begins."""
        return f"Context: {self.context}\nQuestion: {self.question}\nAnswer:"


def read_documents(file: Path) -> list[Document]:
    """The rows of a user's CSV file, in UTF-8 with a header.

    Columns ``context`` and ``question`` are needed, ``answer`` is shown if it is there, and all
    others are passed over.

    :raises ExallmError: E-EXALLM-DATA-1 to 3, with the line that is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExallmError(
            "E-EXALLM-DATA-1", f"{file} is not UTF-8 at byte {error.start}", "save it as UTF-8"
        ) from error
    except OSError as error:
        raise ExallmError(
            "E-EXALLM-DATA-1", f"{file} cannot be read: {error.strerror}", "check the path"
        ) from error
    return parse_documents(text, str(file))


def parse_documents(text: str, name: str) -> list[Document]:
    """The rows in a CSV text; ``name`` is what errors call it."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        missing = [column for column in _REQUIRED if column not in (reader.fieldnames or ())]
        if missing:
            raise ExallmError(
                "E-EXALLM-DATA-2",
                f"{name} has no column {' and no column '.join(missing)}",
                "the first line names the columns: context, question and, if known, answer",
            )
        documents = list(_documents(reader, name))
    except csv.Error as error:
        raise ExallmError(
            "E-EXALLM-DATA-3", f"{name}, line {reader.line_num}: {error}", "correct the line"
        ) from error
    if not documents:
        raise ExallmError("E-EXALLM-DATA-3", f"{name} has no rows", "add a row below the header")
    return documents


def _documents(reader: csv.DictReader[str], name: str) -> Iterator[Document]:
    for number, row in enumerate(reader, start=1):
        document = Document(
            number, row["context"] or "", row["question"] or "", row.get("answer") or None
        )
        if len(document.ctx) > _TEXT_LIMIT or "\0" in document.ctx:
            raise ExallmError(
                "E-EXALLM-DATA-3",
                f"{name}, line {reader.line_num}: a text is too long or holds a NUL character",
                f"use texts of up to {_TEXT_LIMIT} characters",
            )
        yield document
