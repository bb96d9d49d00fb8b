"""Questions that are made to mislead."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.evaluate.score import ScoredAnswer, fell_for
from exallm_trainer.example import Example
from exallm_udfs.errors import ExallmError

_NAMES = {"category", "context", "question", "answers", "trap"}


@dataclass(frozen=True)
class AdversarialCase:
    """One question.

    :param trap: what a model says that fell for it; None where nothing is foreseen.
    """

    example: Example
    category: str
    trap: str | None


@dataclass(frozen=True)
class Misled:
    """How often a model fell for the questions of a category.

    :param traps: questions whose trap is known.
    :param fell: of these, the answers that are wrong and say what the trap is.
    """

    category: str
    traps: int
    fell: int


def read_adversarial(file: Path) -> list[AdversarialCase]:
    """The cases of a TOML file with ``[[case]]`` tables.

    :raises ExallmError: E-EXALLM-TRAIN-20 where it has another form.
    """
    try:
        cases = tomllib.loads(file.read_text(encoding="utf-8"))["case"]
        return [_case(number, values) for number, values in enumerate(cases, start=1)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExallmError(
            "E-EXALLM-TRAIN-20",
            f"{file.name} is no set of adversarial questions: {error}",
            "give every [[case]] a category, context, question and answers",
        ) from error


def misled(
    answers: Sequence[ScoredAnswer], categories: Mapping[str, str], traps: Mapping[str, str]
) -> tuple[Misled, ...]:
    """Count by category, over the answers to questions with a trap."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        if answer.id in traps:
            fell = fell_for(answer.answer, answer.right, traps[answer.id])
            outcomes[categories[answer.id]].append(fell)
    return tuple(Misled(name, len(fell), sum(fell)) for name, fell in sorted(outcomes.items()))


def _case(number: int, values: Mapping[str, Any]) -> AdversarialCase:
    unknown = set(values) - _NAMES
    if unknown:
        raise ValueError(f"case {number} has {', '.join(sorted(unknown))}")
    category = str(values["category"])
    example = Example(
        id=f"adversarial/{number}",
        context=str(values["context"]),
        question=str(values["question"]),
        answers=tuple(str(answer) for answer in values["answers"]),
        source="adversarial",
        document=category,
    )
    return AdversarialCase(example, category, values.get("trap"))
