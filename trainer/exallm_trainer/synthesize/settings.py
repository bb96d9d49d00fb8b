"""How questions are written and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class SynthesisSettings:
    """What decides the result beside passages and models."""

    questions: int = 3
    """Questions that are asked for about each passage."""
    passages: int | None = None
    """So many passages, spread evenly over all; None for all of them."""
    chunk_words: int = 200
    """Words that a passage has at most."""
    least_question_words: int = 3
    most_question_words: int = 40
    most_answer_words: int = 15
    similar_questions: float = 0.8
    """Share of word pairs in common from which two questions about a passage are one."""
    round_trip_f1: float = 0.6
    """F1 that the second model's answer needs against the writer's."""
    language: str | None = None
    """Code of ISO 639-1 that questions have to be in; None: not looked at."""
    harmful_from: float = 0.5
    """Probability from which a classifier's harmful labels count."""

    def __post_init__(self) -> None:
        _require(1 <= self.questions <= 20, "questions about a passage are 1 to 20")
        _require(self.passages is None or self.passages >= 1, "passages are at least 1")
        _require(self.chunk_words >= 16, "a passage may have 16 words at least")
        _require(
            1 <= self.least_question_words <= self.most_question_words,
            "a question's least words are from 1 to its most",
        )
        _require(self.most_answer_words >= 1, "an answer may have a word at least")
        for name in ("similar_questions", "round_trip_f1", "harmful_from"):
            _require(0 < getattr(self, name) <= 1, f"{name} is above 0 and up to 1")


def refused(problem: str, remedy: str) -> ExallmError:
    """E-EXALLM-DATA-30."""
    return ExallmError("E-EXALLM-DATA-30", f"nothing can be synthesized: {problem}", remedy)


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise refused(rule, "correct the setting")
