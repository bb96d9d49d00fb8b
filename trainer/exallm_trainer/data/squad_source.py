"""SQuAD's JSON, versions 1.1 and 2.0, in which XQuAD and many others come, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import not_utf8, read_bytes, sha256_of_file
from exallm_trainer.occurrence import occurrence_at
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class SquadSource:
    """One file. A question with ``is_impossible`` has no answers, whatever else it says."""

    name: str
    file: Path
    licence: str | None = None

    @property
    def location(self) -> str:
        return self.file.name

    def sha256(self) -> str:
        """Of the file."""
        return sha256_of_file(self.file)

    def documents(self, drops: Drops) -> Iterator[Document]:
        """The articles.

        :raises ExallmError: E-EXALLM-DATA-1, -6, -8 or -9: not UTF-8, not readable, not SQuAD's
            form, too large.
        """
        try:
            articles = json.loads(read_bytes(self.file).decode("utf-8-sig"))["data"]
            for number, article in enumerate(_list(articles), start=1):
                yield self._document(number, article)
        except UnicodeDecodeError as error:
            raise not_utf8(self.file, error.object.count(b"\n", 0, error.start) + 1) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ExallmError(
                "E-EXALLM-DATA-8",
                f"{self.file} is not in SQuAD's form: {type(error).__name__} {error}",
                "name a file as SQuAD 1.1 or 2.0 has it",
            ) from error

    def _document(self, number: int, article: Any) -> Document:
        title = article.get("title")
        paragraphs = tuple(
            _paragraph(_text(paragraph["context"]), _list(paragraph["qas"]))
            for paragraph in _list(article["paragraphs"])
        )
        return Document(
            self.name, f"article {number}" if title is None else _text(title), paragraphs, title
        )


def _paragraph(context: str, questions: list[Any]) -> Paragraph:
    return Paragraph(context, tuple(_question(context, values) for values in questions))


def _question(context: str, values: Any) -> Question:
    answers = [] if values.get("is_impossible") else _list(values["answers"])
    texts = dict.fromkeys(_text(answer["text"]) for answer in answers)
    occurrence = None
    if answers and isinstance(answers[0].get("answer_start"), int):
        occurrence = occurrence_at(answers[0]["text"], context, answers[0]["answer_start"])
    return Question(str(values["id"]), _text(values["question"]), tuple(texts), occurrence)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list is expected, not {type(value).__name__}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is expected, not {type(value).__name__}")
    return value
