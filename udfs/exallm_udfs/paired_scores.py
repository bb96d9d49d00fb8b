"""Two models' scores on the same rows, and whether their difference is more than chance.

The method is that of the trainer: the percentile bootstrap over the differences row by row, so that
what is hard for both does not widen the interval. Rows are drawn as if they were independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
# Drawn at once, so that memory does not grow with the number of rows.
_DRAWN_VALUES = 4_000_000


@dataclass(frozen=True)
class Comparison:
    """What the second model gains over the first.

    :param pairs: rows that both answered.
    :param difference: mean of the gains.
    :param lower: lower end of the interval of that mean.
    :param upper: upper end.
    :param better: rows with a gain.
    :param worse: rows with a loss.
    """

    pairs: int
    first_mean: float
    second_mean: float
    difference: float
    lower: float
    upper: float
    better: int
    worse: int


def compare(
    scores: Sequence[tuple[float, float]], confidence: float, seed: int, resamples: int = RESAMPLES
) -> Comparison:
    """Compare pair by pair; the same pairs in any order and the same seed give the same figures.

    :param scores: first and second score of each row.
    :param confidence: share of the resampled means that lie in the interval.
    :raises ValueError: without pairs.
    """
    if not scores:
        raise ValueError("a comparison needs pairs")
    values = np.asarray(sorted(scores), dtype=np.float64)
    gains = np.sort(values[:, 1] - values[:, 0])
    draw = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_VALUES // len(gains))
    means = [
        gains[draw.integers(len(gains), size=(min(at_once, resamples - done), len(gains)))].mean(
            axis=1
        )
        for done in range(0, resamples, at_once)
    ]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Comparison(
        pairs=len(gains),
        first_mean=float(values[:, 0].mean()),
        second_mean=float(values[:, 1].mean()),
        difference=float(gains.mean()),
        lower=float(lower),
        upper=float(upper),
        better=int((gains > 0).sum()),
        worse=int((gains < 0).sum()),
    )
