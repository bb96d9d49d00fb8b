"""Bootstrap intervals of means.

The method is the percentile bootstrap (Efron, 1979): values are drawn with replacement, as many as
there are, and the middle share of the means of such samples is the interval. A difference between
two models is bootstrapped over the differences question by question, which is the paired test of
Koehn (2004): what is hard for both does not widen it. Values are drawn one by one, as if they were
independent; questions about one passage are not wholly so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
# Drawn at once, so that memory does not grow with the number of values.
_DRAWN_VALUES = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its interval."""

    mean: float
    low: float
    high: float


def mean_interval(
    values: Sequence[float],
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The interval of the mean; the same values in any order and the same seed give the same.

    :param confidence: share of the resampled means that lie in the interval.
    :raises ValueError: without values.
    """
    if not values:
        raise ValueError("an interval needs values")
    sample = np.sort(np.asarray(values, dtype=np.float64))
    draw = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_VALUES // len(sample))
    means = [
        sample[draw.integers(len(sample), size=(min(at_once, resamples - done), len(sample)))].mean(
            axis=1
        )
        for done in range(0, resamples, at_once)
    ]
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(float(sample.mean()), float(low), float(high))


def paired_interval(
    base: Sequence[float], tuned: Sequence[float], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Of the gain, tuned minus base, where both answered the same questions in the same order.

    :raises ValueError: where they are not as many, or none.
    """
    gains = [after - before for before, after in zip(base, tuned, strict=True)]
    return mean_interval(gains, seed, resamples)
