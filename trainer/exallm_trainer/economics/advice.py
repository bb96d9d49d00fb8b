"""Whether to train, and why."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from exallm_trainer.economics.cost import Cost
from exallm_trainer.economics.inputs import Quality

Answer = Literal["train", "do not train", "it depends on the rows"]


@dataclass(frozen=True)
class Advice:
    """The answer in a word, and its reasons in sentences."""

    answer: Answer
    reasons: tuple[str, ...]


def advise(cost: Cost, rows: int | None, quality: Quality | None) -> Advice:
    """Quality decides before cost does: a cheap answer that is not good enough is no answer.

    :param rows: how many are expected while the model is in use; None where nobody knows.
    :param quality: None where it was not measured; then hosted calls count as good enough.
    """
    price = _price(cost, rows)
    if quality is None:
        return price
    told = f"the goal is {quality.goal:g}, prompting reaches {quality.prompting:g}"
    if quality.prompting >= quality.goal:
        return Advice(
            "do not train",
            (f"{told}: it is good enough without training", *_only(price, "by cost alone: ")),
        )
    if quality.tuned is None:
        return Advice(
            price.answer,
            (f"{told}: it is not good enough, and no tuned model was measured yet", *price.reasons),
        )
    told += f", the tuned model {quality.tuned:g}"
    if quality.tuned < quality.goal:
        return Advice(
            "do not train",
            (f"{told}: neither is good enough; better data come before another run",),
        )
    return Advice("train", (f"{told}: only the tuned model is good enough", *_only(price, "")))


def _price(cost: Cost, rows: int | None) -> Advice:
    """What cost alone says."""
    crossover = cost.crossover()
    if crossover is None:
        return Advice(
            "do not train",
            (
                f"a row costs {money(cost.own_row)} on the own machine and"
                f" {money(cost.hosted_row)} hosted, so no number of rows pays for"
                f" {money(cost.once)} of training and labour",
            ),
        )
    meets = f"the own model costs no more from {crossover:,} rows on"
    if rows is None:
        return Advice("it depends on the rows", (meets,))
    hosted, own = cost.hosted(rows), cost.own(rows)
    told = f"{rows:,} rows cost {money(hosted)} hosted and {money(own)} with an own model"
    answer: Answer = "train" if rows >= crossover else "do not train"
    return Advice(answer, (f"{told}; {meets}",))


def _only(price: Advice, prefix: str) -> tuple[str, ...]:
    return tuple(prefix + reason for reason in price.reasons)


def money(amount: Fraction | float) -> str:
    """An amount with as many digits as it needs to be told from 0."""
    value = float(amount)
    return f"{value:,.2f}" if value == 0 or abs(value) >= 1 else f"{value:.3g}"
