"""Questions that ``exallm data synthesize`` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import read_bytes, sha256_of_file, utf8_lines
from exallm_trainer.data.rows import Columns, row_reader
from exallm_udfs.errors import ExallmError

QUESTIONS_FILE = "questions.jsonl"
RECORD_FILE = "synthesis.json"
# What the data card tells of the record.
_ORIGIN = ("generator", "prompt_version", "first_generated_at", "last_generated_at", "second")
_COLUMNS = ("context", "question", "answers", "document", "id")


@dataclass(frozen=True)
class SyntheticSource:
    """A folder; the data card says of it that a model wrote it, and which."""

    name: str
    path: Path
    licence: str | None = None

    @property
    def location(self) -> str:
        return self.path.resolve().name

    def sha256(self) -> str:
        """Of the record, which holds that of the questions."""
        self._record()
        return sha256_of_file(self.path / RECORD_FILE)

    def origin(self) -> Mapping[str, Any]:
        """Who wrote the questions, when, with which prompt, and who answered them again.

        :raises ExallmError: E-EXALLM-DATA-33.
        """
        record = self._record()
        return {name: record[name] for name in _ORIGIN}

    def documents(self, drops: Drops) -> Iterator[Document]:
        """The passages with their questions, by the documents that they came from.

        :raises ExallmError: E-EXALLM-DATA-33 where the folder is not whole or was changed.
        """
        self._record()
        try:
            rows = [json.loads(line) for _, line in utf8_lines(self.path / QUESTIONS_FILE)]
            yield from row_reader(self.name, _COLUMNS, Columns()).documents(rows)
        except (ValueError, TypeError, KeyError) as error:
            raise self._not_whole(f"{QUESTIONS_FILE}: {error}") from error

    def _record(self) -> Mapping[str, Any]:
        """The record, once the questions are those that it is about."""
        if not (self.path / RECORD_FILE).is_file():
            raise self._not_whole(f"it has no {RECORD_FILE}")
        try:
            record: dict[str, Any] = json.loads(read_bytes(self.path / RECORD_FILE))
            expected = record["questions_sha256"]
            missing = [name for name in _ORIGIN if name not in record]
        except (ValueError, TypeError, KeyError) as error:
            raise self._not_whole(f"{RECORD_FILE} is broken") from error
        if missing:
            raise self._not_whole(f"{RECORD_FILE} lacks {missing[0]}")
        if sha256_of_file(self.path / QUESTIONS_FILE) != expected:
            raise self._not_whole(f"{QUESTIONS_FILE} was changed")
        return record

    def _not_whole(self, problem: str) -> ExallmError:
        return ExallmError(
            "E-EXALLM-DATA-33",
            f"{self.path} holds no synthetic questions: {problem}",
            "name a folder that exallm data synthesize has finished",
        )
