"""F1 and exact match of answers that SQL gave."""

from __future__ import annotations

from collections.abc import Sequence

from bench.database import Answers
from bench.questions import Question
from exallm_udfs.metrics import exact_match, f1_score


def answer_scores(answers: Answers, questions: Sequence[Question]) -> list[tuple[float, float]]:
    """F1 and exact match of each question, in points."""
    given = [answers.rows[question.row_id]["ANSWER"] for question in questions]
    return [
        (100 * f1_score(answer, question.answers), 100 * exact_match(answer, question.answers))
        for answer, question in zip(given, questions, strict=True)
    ]
