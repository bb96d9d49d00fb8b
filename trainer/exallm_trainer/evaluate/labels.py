"""Accuracy and precision, where answers are labels from a fixed list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exallm_udfs.errors import ExallmError
from exallm_udfs.metrics import normalise_answer


@dataclass(frozen=True)
class LabelPrecision:
    """One label.

    :param right: questions whose answer it is.
    :param given: answers that said it.
    :param precision: share of these that were right; 0 where none said it.
    """

    label: str
    right: int
    given: int
    precision: float


@dataclass(frozen=True)
class LabelScores:
    """Figures over questions whose answers are labels, 0 to 1.

    :param macro_precision: mean of the labels' precisions, each label alike.
    :param no_label: share of the answers that are none of the labels.
    """

    accuracy: float
    macro_precision: float
    no_label: float
    labels: tuple[LabelPrecision, ...]


def label_scores(
    right: Sequence[str], given: Sequence[str | None], labels: Sequence[str]
) -> LabelScores:
    """Compare answers with labels, both as :func:`normalise_answer` gives them.

    :raises ExallmError: E-EXALLM-TRAIN-22 where they are not as many or a right answer is no label.
    """
    known = {normalise_answer(label): label for label in labels}
    truth = [known.get(normalise_answer(answer)) for answer in right]
    if len(right) != len(given) or not right or None in truth:
        raise ExallmError(
            "E-EXALLM-TRAIN-22",
            f"{len(given)} answers cannot be scored as labels of {len(right)} questions:"
            f" {truth.count(None)} right answers are none of the labels",
            "name every label that occurs as a right answer",
        )
    said = [known.get(normalise_answer(answer or "")) for answer in given]
    pairs = list(zip(truth, said, strict=True))
    parts = tuple(_precision(label, pairs) for label in labels)
    return LabelScores(
        accuracy=sum(one == other for one, other in pairs) / len(pairs),
        macro_precision=sum(part.precision for part in parts) / len(parts),
        no_label=said.count(None) / len(said),
        labels=parts,
    )


def _precision(label: str, pairs: Sequence[tuple[str | None, str | None]]) -> LabelPrecision:
    given = [truth for truth, said in pairs if said == label]
    return LabelPrecision(
        label=label,
        right=sum(truth == label for truth, _ in pairs),
        given=len(given),
        precision=given.count(label) / len(given) if given else 0.0,
    )
