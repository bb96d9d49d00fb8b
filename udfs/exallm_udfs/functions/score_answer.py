"""What one answer is worth: what ``SCORE_ANSWER`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.labelled_row import accepted_answers
from exallm_udfs.metrics import exact_match, f1_score


class ScoreAnswer:
    """A scalar function of ``task, answer, label, error_code``."""

    def run(self, ctx: Any) -> None:
        """Emit exact match and F1, 0.0 to 1.0; a row that failed has neither.

        Where no answer is right, NULL is: see :mod:`exallm_udfs.metrics`.
        """
        if ctx.error_code is not None:
            ctx.emit(0.0, 0.0)
            return
        answers = accepted_answers(ctx.task, ctx.label)
        ctx.emit(exact_match(ctx.answer, answers), f1_score(ctx.answer, answers))
