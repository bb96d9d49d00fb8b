"""Bootstrap intervals of means.

The method is the percentile bootstrap (Efron, 1979): values are drawn with replacement, as many as
there are, and the middle share of the means of such samples is the interval. A difference between
two models is bootstrapped over the differences question by question, which is the paired test of
Koehn (2004): what is hard for both does not widen it. Values are drawn one by one, as if they were
independent; questions about one passage are not wholly so. Groups of different questions are
resampled each by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    _Means = np.ndarray[Any, np.dtype[np.float64]]

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
    (mean, means), *_ = _resampled([values], seed, resamples)
    return _interval(mean, means, confidence)


def paired_interval(
    base: Sequence[float],
    tuned: Sequence[float],
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Of the gain, tuned minus base, where both answered the same questions in the same order.

    :raises ValueError: where they are not as many, or none.
    """
    gains = [after - before for before, after in zip(base, tuned, strict=True)]
    return mean_interval(gains, seed, resamples, confidence)


def difference_interval(
    one: Sequence[float],
    other: Sequence[float],
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Of the mean of one minus that of the other, where they are of different questions.

    Each is resampled by itself, as large as it is.

    :raises ValueError: where one has no values.
    """
    if not one or not other:
        raise ValueError("an interval of a difference needs values on both sides")
    (mean, means), (other_mean, other_means) = _resampled([one, other], seed, resamples)
    return _interval(mean - other_mean, means - other_means, confidence)


def _resampled(
    samples: Sequence[Sequence[float]], seed: int, resamples: int
) -> list[tuple[float, _Means]]:
    """Of each sample its mean, and the means of as many values drawn with replacement, over and
    over; shape (resamples,)."""
    # What only reads or shows intervals does without numpy.
    import numpy as np

    draw = np.random.default_rng(seed)
    found = []
    for values in samples:
        sample = np.sort(np.asarray(values, dtype=np.float64))
        size = len(sample)
        at_once = max(1, _DRAWN_VALUES // size)
        means = [
            sample[draw.integers(size, size=(min(at_once, resamples - done), size))].mean(axis=1)
            for done in range(0, resamples, at_once)
        ]
        found.append((float(sample.mean()), np.concatenate(means)))
    return found


def _interval(mean: float, resampled: _Means, confidence: float) -> Interval:
    import numpy as np

    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(mean, float(low), float(high))
