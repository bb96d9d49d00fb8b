"""Hosted calls against a model of one's own: cost, crossover and advice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from exallm_trainer.chart import Chart, Line, Mark
from exallm_trainer.economics.advice import Advice, advise
from exallm_trainer.economics.cost import Cost, cost_of
from exallm_trainer.economics.inputs import Prices, Quality, Use, invalid, require_from_zero

_POINTS_A_DECADE = 8
_DECADES = 4
# Where no crossover and no volume says which rows are of interest.
_MIDDLE_ROWS = 1_000_000


@dataclass(frozen=True)
class Point:
    """What so many rows cost both ways."""

    rows: int
    hosted: float
    own: float


@dataclass(frozen=True)
class Economics:
    """All that follows from the inputs.

    :param crossover: rows from which the own model costs no more, None where none are enough.
    :param curve: evenly spread over the decades around the crossover.
    """

    prices: Prices
    use: Use
    quality: Quality | None
    rows: int | None
    training_cost: float
    labour_cost: float
    hosted_row: float
    own_row: float
    crossover: int | None
    advice: Advice
    curve: tuple[Point, ...]

    def values(self) -> dict[str, Any]:
        """In the types of JSON."""
        return asdict(self)

    def chart(self) -> Chart:
        """The cost of both over rows, on logarithmic axes; on a plain one where nothing costs."""
        marks = [(self.crossover, "crossover"), (self.rows, "expected")]
        return Chart(
            title="Cost of rows",
            x_title="rows",
            y_title="cost",
            lines=(
                Line("hosted calls", tuple((point.rows, point.hosted) for point in self.curve)),
                Line("own model", tuple((point.rows, point.own) for point in self.curve)),
            ),
            marks=tuple(Mark(rows, f"{name}: {rows:,}") for rows, name in marks if rows),
            log_x=True,
            log_y=any(point.hosted or point.own for point in self.curve),
        )


def economics(
    prices: Prices, use: Use, rows: int | None = None, quality: Quality | None = None
) -> Economics:
    """Compute all of it.

    :param rows: how many are expected while the model is in use.
    :raises ExallmError: E-EXALLM-TRAIN-40 for fewer rows than one, or more than can be.
    """
    if rows is not None:
        if rows < 1:
            raise invalid(f"rows is {rows}", "give a whole number from 1")
        require_from_zero("rows", rows)
    cost = cost_of(prices, use)
    crossover = cost.crossover()
    return Economics(
        prices=prices,
        use=use,
        quality=quality,
        rows=rows,
        training_cost=float(cost.training),
        labour_cost=float(cost.labour),
        hosted_row=float(cost.hosted_row),
        own_row=float(cost.own_row),
        crossover=crossover,
        advice=advise(cost, rows, quality),
        curve=_curve(cost, crossover or rows or _MIDDLE_ROWS),
    )


def _curve(cost: Cost, middle: int) -> tuple[Point, ...]:
    steps = _DECADES * _POINTS_A_DECADE
    spread = (10 ** (step / _POINTS_A_DECADE - _DECADES / 2) for step in range(steps + 1))
    rows = sorted({max(1, round(middle * factor)) for factor in spread})
    return tuple(Point(each, float(cost.hosted(each)), float(cost.own(each))) for each in rows)
