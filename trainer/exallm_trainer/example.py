"""One example: what the model reads and what it has to write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.json_lines import read_json_lines, write_json_lines
from exallm_udfs.prompt import ContextQuestion

# One of the phrases that exallm_udfs.answer takes for "there is no answer".
NO_ANSWER = "unanswerable"


@dataclass(frozen=True)
class Example:
    """A question about a context, with every answer that counts as right.

    :param answers: empty where the context does not hold the answer.
    :param source: name of the source it came from.
    :param document: what must not be torn apart by a split: the title of its article or document.
    :param occurrence: which of the places where the first answer stands in the context is meant,
        from 0; None where the source does not say.
    """

    id: str
    context: str
    question: str
    answers: tuple[str, ...]
    source: str
    document: str
    occurrence: int | None = None

    def prompt(self) -> str:
        """What the model reads, as :class:`exallm_udfs.prompt.ContextQuestion` writes it."""
        return ContextQuestion(self.context, self.question).text()

    def completion(self) -> str:
        """What the model has to write: the first answer on a line of its own."""
        return completion_of(self.answers[0] if self.answers else NO_ANSWER)


def completion_of(text: str) -> str:
    """A text as the model has to write it after a prompt: on a line of its own."""
    return f" {text}\n"


def write_examples(file: Path, examples: Iterable[Example]) -> None:
    """One JSON object a line."""
    write_json_lines(file, examples)


def read_examples(file: Path) -> list[Example]:
    """The examples of a file that :func:`write_examples` wrote.

    :raises ExallmError: E-EXALLM-DATA-4 where a line is not one.
    """
    return list(read_json_lines(file, _example, "an example"))


def _example(fields: dict[str, Any]) -> Example:
    return Example(answers=_texts(fields.pop("answers")), **fields)


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("its answers are not a list of texts")
    return tuple(values)
