"""An answer that a model gave to a question about a context, and the columns that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exallm_udfs.batch.task import Answer
from exallm_udfs.grounding import Span

# ANSWER, START_POS, END_POS, SCORE and GROUNDED.
WIDTH = 5


@dataclass(frozen=True)
class Candidate:
    """One answer: its text, where that stands in the whole context, and what speaks for it."""

    text: str
    span: Span | None
    score: float
    finish_reason: str

    def rank(self) -> tuple[bool, float]:
        return self.span is not None, self.score


def answer_of(candidates: Sequence[Candidate], min_score: float | None) -> Answer:
    """The best candidate as columns: one that stands in the context, then that of highest score.

    Positions count characters from 1, the last one included. Where there is no candidate, all is
    NULL; of one with less than ``min_score`` only the score is told.
    """
    if not candidates:
        return Answer((None,) * WIDTH, "no_answer")
    best = max(candidates, key=Candidate.rank)
    if min_score is not None and best.score < min_score:
        return Answer((None, None, None, best.score, None), "no_answer")
    if best.span is None:
        return Answer((best.text, None, None, best.score, False), best.finish_reason)
    values = (best.text, best.span.start + 1, best.span.end, best.score, True)
    return Answer(values, best.finish_reason)
