"""Two evaluations' scores compared row by row: what ``COMPARE_SCORES`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.paired_scores import compare


class CompareScores:
    """A set function of ``champion_score, candidate_score, confidence, seed``."""

    def run(self, ctx: Any) -> None:
        """Emit one row: pairs, both means, the difference, its interval, rows better and worse."""
        confidence, seed = float(ctx.confidence), int(ctx.seed)
        scores = []
        while True:
            scores.append((float(ctx.champion_score), float(ctx.candidate_score)))
            if not ctx.next():
                break
        found = compare(scores, confidence, seed)
        ctx.emit(
            found.pairs,
            found.first_mean,
            found.second_mean,
            found.difference,
            found.lower,
            found.upper,
            found.better,
            found.worse,
        )
