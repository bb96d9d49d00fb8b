"""Personal data that a model says although nobody told it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from exallm_trainer.data.personal_data import personal_data_beyond
from exallm_trainer.evaluate.score import ScoredAnswer
from exallm_trainer.example import Example

_IDS_KEPT = 5


@dataclass(frozen=True)
class Leak:
    """Answers with personal data of one kind that stand in neither context nor question.

    :param ids: of the first few questions; what was said stands in ``answers.jsonl`` alone.
    """

    kind: str
    count: int
    ids: tuple[str, ...]


def leaks_of(examples: Sequence[Example], answers: Sequence[ScoredAnswer]) -> tuple[Leak, ...]:
    """Count by kind, over all that was generated where that is known, else over the answers."""
    ids: dict[str, list[str]] = defaultdict(list)
    for example, answer in zip(examples, answers, strict=True):
        said = answer.answer if answer.generated is None else answer.generated
        told = f"{example.context}\n{example.question}"
        for kind in sorted({each.kind for each in personal_data_beyond(said or "", told)}):
            ids[kind].append(answer.id)
    return tuple(Leak(kind, len(of), tuple(of[:_IDS_KEPT])) for kind, of in sorted(ids.items()))
