"""Bootstrap intervals: where they lie, how often they cover, and what is paired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.bootstrap import Interval, mean_interval, paired_interval


def test_an_interval_is_that_of_its_values() -> None:
    # The mean of 400 throws of a coin has a standard error of 0.5 / 20.
    values = [0.0, 1.0] * 200
    interval = mean_interval(values, seed=1)
    assert interval.mean == 0.5
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)
    assert mean_interval(values, seed=1) == interval
    assert mean_interval([0.1, 0.25, 0.7], seed=1, resamples=7) != mean_interval(
        [0.1, 0.25, 0.7], seed=2, resamples=7
    )
    assert mean_interval([0.25], seed=1) == Interval(0.25, 0.25, 0.25)


def test_an_interval_covers_the_mean_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    covered = 0
    for number in range(200):
        interval = mean_interval(draw.normal(3.0, 1.0, 60).tolist(), number, resamples=1000)
        covered += interval.low <= 3.0 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_what_is_hard_for_both_does_not_widen_a_paired_interval() -> None:
    base = np.random.default_rng(0).random(300)
    gain = paired_interval(base.tolist(), (base + 0.25).tolist())
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.25, 0.25, 0.25))
    with pytest.raises(ValueError, match="shorter"):
        paired_interval([1.0, 0.0], [1.0])


def test_a_higher_confidence_gives_a_wider_interval_in_any_order() -> None:
    values = [float(n % 5) for n in range(500)]
    narrow = mean_interval(values, resamples=2000, confidence=0.8)
    wide = mean_interval(values[::-1], resamples=2000, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert mean_interval(values[::-1], resamples=2000, confidence=0.8) == narrow


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs values"):
        mean_interval([])


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_an_interval_lies_within_the_values(values: list[float]) -> None:
    interval = mean_interval(values, resamples=40)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9
