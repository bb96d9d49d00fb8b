"""Cost of rows, and the number of rows from which a model of one's own is the cheaper one.

With a one-off cost ``F`` (training and labour), a hosted price ``h`` and a serving cost ``s`` a
row, ``n`` rows cost ``n h`` hosted and ``F + n s`` on one's own machine. They meet at
``F / (h - s)`` where ``h`` is the larger; else hosted calls stay the cheaper ones for ever. Numbers
are taken as they are written in decimal and computed with as fractions, so that no rounding moves
the crossover.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from exallm_trainer.economics.inputs import Prices, Use

_MILLION = 1_000_000
_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Cost:
    """In the currency of the prices.

    :param once: training and labour.
    :param hosted_row: of one hosted call.
    :param own_row: of one row on the machine that serves.
    """

    training: Fraction
    labour: Fraction
    hosted_row: Fraction
    own_row: Fraction

    @property
    def once(self) -> Fraction:
        """What is paid before the first row."""
        return self.training + self.labour

    def hosted(self, rows: int) -> Fraction:
        """So many hosted calls."""
        return self.hosted_row * rows

    def own(self, rows: int) -> Fraction:
        """Tuning, and so many rows of one's own model."""
        return self.once + self.own_row * rows

    def crossover(self) -> int | None:
        """The least number of rows at which the own model costs no more; None where none does."""
        if self.once == 0 and self.own_row <= self.hosted_row:
            return 0
        if self.own_row >= self.hosted_row:
            return None
        return math.ceil(self.once / (self.hosted_row - self.own_row))


def cost_of(prices: Prices, use: Use) -> Cost:
    """What rows cost at these prices."""
    paid = exact(use.hosted_prompt_tokens) * exact(prices.hosted_input)
    paid += exact(use.completion_tokens) * exact(prices.hosted_output)
    rows_an_hour = exact(use.rows_per_second) * exact(use.busy_share) * _SECONDS_AN_HOUR
    return Cost(
        training=exact(use.training_hours) * exact(prices.training_machine),
        labour=exact(prices.labour),
        hosted_row=paid / _MILLION,
        own_row=exact(prices.machine) / rows_an_hour,
    )


def exact(value: float) -> Fraction:
    """The number that the shortest decimal of a float names."""
    return Fraction(str(value))
