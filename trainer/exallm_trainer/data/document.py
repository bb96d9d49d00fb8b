"""Documents as every source gives them: paragraphs, and the questions about them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Question:
    """A question about a paragraph.

    :param answers: every answer that counts as right; empty where the paragraph holds none.
    :param occurrence: which of the places where the first answer stands in the paragraph is meant,
        from 0; None where the source does not say.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    occurrence: int | None = None

    def with_answers(self, answers: tuple[str, ...]) -> Question:
        """The question with some of its answers."""
        first_stays = answers[:1] == self.answers[:1]
        return replace(self, answers=answers, occurrence=self.occurrence if first_stays else None)


@dataclass(frozen=True)
class Paragraph:
    """A text that stays in one piece.

    :param position: its place among the chunks of its document; None where it is no chunk.
    """

    text: str
    questions: tuple[Question, ...] = ()
    position: int | None = None


@dataclass(frozen=True)
class Document:
    """What a split must not tear apart.

    :param source: name of the source it came from.
    :param name: what the split goes by; documents of equal name fall to the same side.
    :param title: what its author calls it, where the source says so.
    """

    source: str
    name: str
    paragraphs: tuple[Paragraph, ...]
    title: str | None = None

    def questions(self) -> int:
        """How many questions its paragraphs have together."""
        return sum(len(paragraph.questions) for paragraph in self.paragraphs)


def writable(text: str) -> str:
    """A text in UTF-8 whatever it holds: a file's name may be of bytes that are none, and a model's
    reply may end within a character."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def words_of(text: str) -> list[str]:
    """The text's words in order, folded in case and without punctuation."""
    return _WORD.findall(text.casefold())


def wording(text: str) -> str:
    """The text as it is compared: equal where two texts have the same words in the same order."""
    return " ".join(words_of(text)) or text.strip()
