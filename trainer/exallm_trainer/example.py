"""One example: what the model reads and what it has to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion

# One of the phrases that exallm_udfs.answer takes for "there is no answer".
NO_ANSWER = "unanswerable"


@dataclass(frozen=True)
class Example:
    """A question about a context, with every answer that counts as right.

    :param answers: empty where the context does not hold the answer.
    :param source: name of the source it came from.
    :param document: what must not be torn apart by a split: the title of its article or document.
    """

    id: str
    context: str
    question: str
    answers: tuple[str, ...]
    source: str
    document: str

    def prompt(self) -> str:
        """What the model reads, as :class:`exallm_udfs.prompt.ContextQuestion` writes it."""
        return ContextQuestion(self.context, self.question).text()

    def completion(self) -> str:
        """What the model has to write: the first answer on a line of its own."""
        return f" {self.answers[0] if self.answers else NO_ANSWER}\n"


def write_examples(file: Path, examples: Iterable[Example]) -> None:
    """One JSON object a line."""
    with file.open("w", encoding="utf-8") as lines:
        for example in examples:
            lines.write(json.dumps(asdict(example), ensure_ascii=False, sort_keys=True) + "\n")


def read_examples(file: Path) -> list[Example]:
    """The examples of a file that :func:`write_examples` wrote.

    :raises ExallmError: E-EXALLM-DATA-4 where a line is not one.
    """
    return list(_examples(file))


def _examples(file: Path) -> Iterator[Example]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                fields = json.loads(line)
                answers = _texts(fields.pop("answers"))
                yield Example(answers=answers, **fields)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ExallmError(
                    "E-EXALLM-DATA-4",
                    f"{file}, line {number} is not an example: {error}",
                    "prepare the data again",
                ) from error


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("its answers are not a list of texts")
    return tuple(values)
