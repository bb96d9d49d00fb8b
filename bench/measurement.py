"""Times, rates and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timed:
    """Rows that took some seconds."""

    rows: int
    seconds: float

    def __post_init__(self) -> None:
        if self.rows < 1 or self.seconds <= 0:
            raise ValueError("a measurement has rows, and seconds above 0")

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def median_rate(rounds: Sequence[Timed]) -> float:
    """The middle of the rounds' rates, in rows a second."""
    return median(timed.rate for timed in rounds)


def ratio(ours: Sequence[Timed], theirs: Sequence[Timed]) -> float:
    """How many times as fast as theirs ours is, by the medians of their rates."""
    return median_rate(ours) / median_rate(theirs)


def share_equal(ours: Sequence[str | None], theirs: Sequence[str | None]) -> float:
    """Share of places with the same text, 0 to 1; None and '' are the same."""
    pairs = list(zip(ours, theirs, strict=True))
    return sum((one or "") == (other or "") for one, other in pairs) / len(pairs)
