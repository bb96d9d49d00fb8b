"""A question that a model wrote, before and after it is found good enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A text that questions are written about.

    :param sha256: of the text.
    """

    source: str
    document: str
    text: str
    sha256: str


@dataclass(frozen=True)
class Candidate:
    """A question about a passage, with the answer that the writer gave.

    :param generated_at: when the writer gave it, in UTC.
    """

    id: str
    passage: Passage
    question: str
    answer: str
    generated_at: str
