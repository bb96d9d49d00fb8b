"""Two models on the same questions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_udfs.bootstrap import Interval, paired_interval
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class Pair:
    """The answers of both to one question."""

    id: str
    question: str
    right: tuple[str, ...]
    base: str | None
    tuned: str | None
    base_f1: float
    tuned_f1: float

    @property
    def gain(self) -> float:
        """F1 of the tuned model minus that of the base, -1 to 1."""
        return self.tuned_f1 - self.base_f1


@dataclass(frozen=True)
class Comparison:
    """What the tuned model gains over the base; shares, with their paired 95% intervals.

    :param better: questions with a higher F1 than the base's.
    :param pairs: in the order of the questions.
    """

    base: str
    tuned: str
    f1: Interval
    exact: Interval
    better: int
    equal: int
    worse: int
    pairs: tuple[Pair, ...]

    def values(self) -> dict[str, Any]:
        """All but the pairs, which the answers of both evaluations hold, in the types of JSON."""
        values = asdict(self)
        del values["pairs"]
        return values

    def best(self, count: int) -> tuple[Pair, ...]:
        """The questions with the largest gains, first ones first; no losses among them."""
        gained = [pair for pair in self.pairs if pair.gain > 0]
        return tuple(sorted(gained, key=lambda pair: -pair.gain)[:count])

    def worst(self, count: int) -> tuple[Pair, ...]:
        """The questions with the largest losses, then those that the tuned model has wrong."""
        wrong = [pair for pair in self.pairs if pair.gain < 0 or pair.tuned_f1 == 0]
        return tuple(sorted(wrong, key=lambda pair: pair.gain)[:count])


def compare(base: Evaluation, tuned: Evaluation, seed: int = 0) -> Comparison:
    """Compare question by question.

    :param seed: of the intervals.
    :raises ExallmError: E-EXALLM-TRAIN-23 where they are not of the same questions.
    """
    pairs = pairs_of(base, tuned)
    exact = paired_interval(
        [answer.exact for answer in base.answers], [answer.exact for answer in tuned.answers], seed
    )
    return Comparison(
        base=base.model,
        tuned=tuned.model,
        f1=paired_interval([p.base_f1 for p in pairs], [p.tuned_f1 for p in pairs], seed),
        exact=exact,
        better=sum(pair.gain > 0 for pair in pairs),
        equal=sum(pair.gain == 0 for pair in pairs),
        worse=sum(pair.gain < 0 for pair in pairs),
        pairs=pairs,
    )


def pairs_of(base: Evaluation, tuned: Evaluation) -> tuple[Pair, ...]:
    """The answers of both, question by question.

    :raises ExallmError: E-EXALLM-TRAIN-23 where they are not of the same questions.
    """
    if base.data_sha256 != tuned.data_sha256:
        raise ExallmError(
            "E-EXALLM-TRAIN-23",
            f"the evaluations of {base.model} and {tuned.model} are not of the same questions",
            "evaluate both on the same set with the same number of rows",
        )
    return tuple(
        Pair(
            id=after.id,
            question=after.question,
            right=after.right,
            base=before.answer,
            tuned=after.answer,
            base_f1=before.f1,
            tuned_f1=after.f1,
        )
        for before, after in zip(base.answers, tuned.answers, strict=True)
    )
