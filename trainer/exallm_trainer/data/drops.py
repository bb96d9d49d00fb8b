"""What was left out, by source and reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from exallm_trainer.data.document import Document, Paragraph, writable

_NAMES_KEPT = 5


@dataclass(frozen=True)
class Dropped:
    """How much of a source was left out for one reason.

    :param unit: ``file``, ``paragraph``, ``question``, ``answer``, ``line`` or ``pair``.
    :param names: of the first few: files, documents of paragraphs and lines, ids of questions and
        pairs. No text of a source, since a card goes where its data may not.
    """

    source: str
    unit: str
    reason: str
    count: int
    names: tuple[str, ...]


class Drops:
    """A ledger: of every source, questions read are questions kept plus questions dropped."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._counts: dict[tuple[str, str, str], int] = defaultdict(int)

    def add(self, source: str, unit: str, reason: str, name: str) -> None:
        """Enter one thing that is left out."""
        key = (source, unit, reason)
        self._counts[key] += 1
        names = self._names[key]
        if len(names) < _NAMES_KEPT and writable(name) not in names:
            names.append(writable(name))

    def add_paragraph(self, document: Document, reason: str, paragraph: Paragraph) -> None:
        """Enter a paragraph of the document, and its questions, which go with it."""
        self.add(document.source, "paragraph", reason, document.name)
        for question in paragraph.questions:
            self.add(document.source, "question", reason, question.id)

    def counts(self) -> tuple[Dropped, ...]:
        """The entries, in the order of source, unit and reason."""
        return tuple(
            Dropped(*key, self._counts[key], tuple(self._names[key]))
            for key in sorted(self._counts)
        )

    def total(self, source: str, unit: str) -> int:
        """How many things of that unit were left out of a source, for any reason."""
        return sum(self._counts[key] for key in self._counts if key[:2] == (source, unit))

    def reasons(self, source: str) -> Mapping[str, str]:
        """Of each reason for which files of a source were left out, the first file."""
        return {
            reason: self._names[key][0]
            for key in sorted(self._counts)
            for of, unit, reason in [key]
            if of == source and unit == "file"
        }
