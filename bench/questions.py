"""Held-out questions about passages, in document order."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion

_REMEDY = "name a file in the form of SQuAD v1.1, such as XQuAD's xquad.en.json"


@dataclass(frozen=True)
class Question:
    """One row.

    :param row_id: unique in its list.
    :param document: number of the passage, from 0 in the order of the file.
    :param answers: the accepted ones.
    """

    row_id: str
    document: int
    context: str
    question: str
    answers: tuple[str, ...]

    @property
    def ctx(self) -> str:
        """The text for ``GPT2_INFERENCE``, which ends where the answer begins."""
        return ContextQuestion(self.context, self.question).text()


def read_questions(file: Path) -> list[Question]:
    """The questions of a file in SQuAD's JSON form.

    :raises ExallmError: E-EXALLM-DATA-1 for a file that cannot be read, -2 for a missing field,
        -3 for what is not JSON or holds no question.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ExallmError(
            "E-EXALLM-DATA-1", f"{file} is not UTF-8 at byte {error.start}", "save it as UTF-8"
        ) from error
    except OSError as error:
        raise ExallmError(
            "E-EXALLM-DATA-1", f"{file} cannot be read: {error.strerror}", "check the path"
        ) from error
    except json.JSONDecodeError as error:
        raise ExallmError(
            "E-EXALLM-DATA-3", f"{file}, line {error.lineno}: {error.msg}", _REMEDY
        ) from error
    return questions_from_rows(_squad_rows(content, file), str(file))


def questions_from_rows(rows: Iterator[tuple[str, str, list[str]]], name: str) -> list[Question]:
    """Questions of rows ``(context, question, answers)``; neighbours share their passage.

    :raises ExallmError: E-EXALLM-DATA-3 where there is none.
    """
    documents: dict[str, int] = {}
    questions = [
        Question(
            str(number),
            documents.setdefault(context, len(documents)),
            context,
            question,
            tuple(answers),
        )
        for number, (context, question, answers) in enumerate(rows)
    ]
    if not questions:
        raise ExallmError("E-EXALLM-DATA-3", f"{name} has no question", _REMEDY)
    return questions


def shuffled(questions: Sequence[Question], seed: int) -> list[Question]:
    """The questions in an order that tears passages apart, the same for each seed."""
    order = list(questions)
    random.Random(seed).shuffle(order)
    return order


def copied(questions: Sequence[Question], copies: int) -> list[Question]:
    """Each question several times, with row ids of their own."""
    return [
        replace(question, row_id=f"{question.row_id}-{copy}")
        for copy in range(copies)
        for question in questions
    ]


def spread_by_length(questions: Sequence[Question], count: int) -> list[Question]:
    """Few questions that stand for all: as long as evenly spaced ones of the sorted list."""
    by_length = sorted(questions, key=lambda question: len(question.ctx))
    count = min(count, len(by_length))
    return [by_length[len(by_length) * (2 * n + 1) // (2 * count)] for n in range(count)]


def five_a_passage(questions: Sequence[Question], passages: int) -> list[Question]:
    """The first five questions of the first passages that have as many, numbered anew from 0."""
    by_document: dict[int, list[Question]] = {}
    for question in questions:
        by_document.setdefault(question.document, []).append(question)
    chosen = [group[:5] for group in by_document.values() if len(group) >= 5][:passages]
    return [
        replace(question, document=document)
        for document, group in enumerate(chosen)
        for question in group
    ]


def _squad_rows(content: Any, file: Path) -> Iterator[tuple[str, str, list[str]]]:
    for article in _list(content, "data", file):
        for paragraph in _list(article, "paragraphs", file):
            context = _text(paragraph, "context", file)
            for asked in _list(paragraph, "qas", file):
                answers = [_text(answer, "text", file) for answer in _list(asked, "answers", file)]
                yield context, _text(asked, "question", file), answers


def _list(holder: Any, key: str, file: Path) -> list[Any]:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    if not isinstance(value, list):
        raise ExallmError(
            "E-EXALLM-DATA-2", f"{file} has no list {key!r} where it belongs", _REMEDY
        )
    return value


def _text(holder: Any, key: str, file: Path) -> str:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    if not isinstance(value, str):
        raise ExallmError(
            "E-EXALLM-DATA-2", f"{file} has no text {key!r} where it belongs", _REMEDY
        )
    return value
