"""Ids that tell the questions of all sources apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from exallm_trainer.data.document import Document, Question


def with_unique_ids(documents: Sequence[Document]) -> list[Document]:
    """The documents, of whose questions no two have the same id.

    An id that stands there once stays. Where sources number their questions alike, the name of the
    source comes before the id; where one source has an id twice, a number comes behind it.
    """
    ids = _Ids(
        Counter(
            question.id
            for document in documents
            for paragraph in document.paragraphs
            for question in paragraph.questions
        )
    )
    return [
        replace(
            document,
            paragraphs=tuple(
                replace(
                    paragraph,
                    questions=tuple(
                        ids.unique(document.source, each) for each in paragraph.questions
                    ),
                )
                for paragraph in document.paragraphs
            ),
        )
        for document in documents
    ]


class _Ids:
    """Ids that are taken, and numbers that were given behind an id."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._taken = {id for id, count in counts.items() if count == 1}
        self._given: Counter[str] = Counter()

    def unique(self, source: str, question: Question) -> Question:
        """The question with an id that no other one has."""
        if self._counts[question.id] == 1:
            return question
        named = f"{source}/{question.id}"
        id = named
        while id in self._taken:
            self._given[named] += 1
            id = f"{named}/{self._given[named] + 1}"
        self._taken.add(id)
        return replace(question, id=id)
