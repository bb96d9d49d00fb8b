"""How a model treats the groups that the data names.

Two differences, as they are usual: demographic parity compares how often groups get a positive
outcome, equal opportunity how often they get the right one where there is one. Positive is an
answer at all or, where answers are labels, one label. The difference is that of the two groups that
lie farthest apart; since they are found by looking at all pairs, its interval is widened for so
many looks (Bonferroni). A group with few questions is shown and takes no part in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from exallm_trainer.evaluate.score import ScoredAnswer
from exallm_udfs.bootstrap import (
    CONFIDENCE,
    Interval,
    difference_interval,
    mean_interval,
    paired_interval,
)
from exallm_udfs.metrics import exact_match

CLAIM_FROM = 10
"""Questions that a group needs, or two groups in common, before anything is said of it."""
ANSWERED = "answered"
"""The positive outcome where answers are no labels."""

# Group to key to outcomes; the key is what a question shares with its counterparts, or its own id.
_Outcomes = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Rate:
    """A share of questions.

    :param interval: None where they are too few for one.
    """

    questions: int
    share: float
    interval: Interval | None


@dataclass(frozen=True)
class GroupRates:
    """The rates of one group.

    :param positive: of all its questions.
    :param right: of those that have a right answer, or whose right label is the positive one; None
        where it has none of them.
    """

    group: str
    questions: int
    positive: Rate
    right: Rate | None


@dataclass(frozen=True)
class Difference:
    """Between the two groups that lie farthest apart.

    :param high: the group with the higher rate.
    :param questions: that were compared: pairs, where questions come in pairs.
    :param pairs: of groups that were looked at, by which the interval is widened.
    """

    high: str
    low: str
    questions: int
    pairs: int
    interval: Interval

    @property
    def apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval.low > 0 or self.interval.high < 0


@dataclass(frozen=True)
class Fairness:
    """What holds for the groups of one field.

    :param field: of the data, which names the groups.
    :param positive: ``answered``, or the label.
    :param left_out: questions that name no group.
    :param paired: whether questions were compared with their counterparts in the other group.
    :param parity: None where fewer than two groups are large enough for a claim.
    :param opportunity: as ``parity``.
    """

    field: str
    positive: str
    left_out: int
    paired: bool
    groups: tuple[GroupRates, ...]
    parity: Difference | None
    opportunity: Difference | None


def fairness_of(
    answers: Sequence[ScoredAnswer],
    field: str,
    groups: Mapping[str, str],
    counterparts: Mapping[str, str] | None = None,
    positive: str | None = None,
    seed: int = 0,
) -> Fairness:
    """Rates by group and their differences.

    :param groups: id of a question to its group.
    :param counterparts: id of a question to what it shares with its counterparts in other groups;
        None where questions have none.
    :param positive: the positive label; None where answers are no labels.
    :param seed: of the intervals.
    """
    grouped = [answer for answer in answers if answer.id in groups]
    keys = {answer.id: (counterparts or {}).get(answer.id, answer.id) for answer in grouped}
    positives: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    right: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for answer in grouped:
        group, key = groups[answer.id], keys[answer.id]
        positives[group][key].append(_positive(answer, positive))
        if _deserves(answer, positive):
            right[group][key].append(answer.exact)
    paired = counterparts is not None
    return Fairness(
        field=field,
        positive=positive or ANSWERED,
        left_out=len(answers) - len(grouped),
        paired=paired,
        groups=tuple(
            GroupRates(
                group,
                sum(map(len, values.values())),
                _rate(values, seed),
                _rate(right[group], seed) if group in right else None,
            )
            for group, values in sorted(positives.items())
        ),
        parity=_difference(positives, paired, seed),
        opportunity=_difference(right, paired, seed),
    )


def _positive(answer: ScoredAnswer, label: str | None) -> float:
    """The outcome that parity compares."""
    if label is None:
        return float(answer.answer is not None)
    return exact_match(answer.answer, [label])


def _deserves(answer: ScoredAnswer, label: str | None) -> bool:
    """Whether the right outcome is the positive one."""
    if label is None:
        return bool(answer.right)
    return any(exact_match(text, [label]) for text in answer.right)


def _rate(values: Mapping[str, Sequence[float]], seed: int) -> Rate:
    flat = _flat(values)
    enough = len(flat) >= CLAIM_FROM
    share = sum(flat) / len(flat)
    return Rate(len(flat), share, mean_interval(flat, seed) if enough else None)


def _difference(outcomes: _Outcomes, paired: bool, seed: int) -> Difference | None:
    """Of the two groups farthest apart among those that are large enough."""
    found = _farthest_in_common(outcomes) if paired else _farthest(outcomes)
    if found is None:
        return None
    high, low, pairs = found
    first, second = _samples(outcomes[high], outcomes[low], paired)
    confidence = 1 - (1 - CONFIDENCE) / pairs
    if paired:
        interval = paired_interval(second, first, seed, confidence=confidence)
    else:
        interval = difference_interval(first, second, seed, confidence=confidence)
    return Difference(high, low, min(len(first), len(second)), pairs, interval)


def _farthest(outcomes: _Outcomes) -> tuple[str, str, int] | None:
    """The groups with the highest and the lowest mean, and how many pairs of groups there are."""
    flat = {group: _flat(values) for group, values in sorted(outcomes.items())}
    means = {group: _mean(values) for group, values in flat.items() if len(values) >= CLAIM_FROM}
    if len(means) < 2:
        return None
    high = max(means, key=means.__getitem__)
    low = min((group for group in means if group != high), key=means.__getitem__)
    return high, low, math.comb(len(means), 2)


def _farthest_in_common(outcomes: _Outcomes) -> tuple[str, str, int] | None:
    """The groups that differ most over what each pair has in common, the higher one first, and how
    many pairs have enough of it."""
    large = [group for group, values in sorted(outcomes.items()) if len(values) >= CLAIM_FROM]
    gains = {}
    for one, other in combinations(large, 2):
        first, second = _samples(outcomes[one], outcomes[other], paired=True)
        if len(first) >= CLAIM_FROM:
            gains[one, other] = _mean(first) - _mean(second)
    if not gains:
        return None
    one, other = max(gains, key=lambda pair: abs(gains[pair]))
    high, low = (one, other) if gains[one, other] >= 0 else (other, one)
    return high, low, len(gains)


def _samples(
    one: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]], paired: bool
) -> tuple[list[float], list[float]]:
    """What is compared of two groups: pair by pair, or all of both."""
    if not paired:
        return _flat(one), _flat(other)
    common = [key for key in one if key in other]
    return [_mean(one[key]) for key in common], [_mean(other[key]) for key in common]


def _flat(values: Mapping[str, Sequence[float]]) -> list[float]:
    return [value for of_key in values.values() for value in of_key]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
