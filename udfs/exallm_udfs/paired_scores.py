"""Two models' scores on the same rows, and whether their difference is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exallm_udfs.bootstrap import RESAMPLES, mean_interval


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
    ordered = sorted(scores)
    gains = [second - first for first, second in ordered]
    gain = mean_interval(gains, seed, resamples, confidence)
    return Comparison(
        pairs=len(gains),
        first_mean=sum(first for first, _ in ordered) / len(ordered),
        second_mean=sum(second for _, second in ordered) / len(ordered),
        difference=gain.mean,
        lower=gain.low,
        upper=gain.high,
        better=sum(each > 0 for each in gains),
        worse=sum(each < 0 for each in gains),
    )
