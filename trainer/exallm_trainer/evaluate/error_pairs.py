"""Preference pairs of a model's graded errors: the right answer, and the wrong one that it gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exallm_trainer.data.prepared import Prepared
from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.score import ScoredAnswer, sha256_of_context
from exallm_trainer.example import NO_ANSWER, Example
from exallm_trainer.preference_pair import PreferencePair
from exallm_udfs.errors import ExallmError

# An answer with half the words of a right one is too good to be taught as wrong.
_HALF_RIGHT = 0.5
_RIGHT = "the answer is right, or half right"
_UNKNOWN = "the question is not one of the data"


@dataclass(frozen=True)
class ErrorPairs:
    """The pairs, and how many answers gave none, by the reason."""

    pairs: tuple[PreferencePair, ...]
    passed_over: Mapping[str, int]


def pairs_from_errors(evaluations: Sequence[Evaluation], prepared: Prepared) -> ErrorPairs:
    """A pair of each answer with an F1 below 50 to a training or validation question of the data.

    An evaluation asks the questions of one side of the split; pairs for both sides take two.

    Where the context holds no answer, saying so is what is chosen. The document of the question
    becomes that of the pair, so a question and its pair fall to the same side of the split.

    :raises ExallmError: E-EXALLM-DATA-42 where an evaluation is of a set that the data holds out,
        E-EXALLM-DATA-41 where no answer gives a pair.
    """
    held_out = {source.location: source.name for source in prepared.card.held_out}
    for evaluation in evaluations:
        if evaluation.data in held_out:
            raise ExallmError(
                "E-EXALLM-DATA-42",
                f"{evaluation.data} is the held-out set {held_out[evaluation.data]} of the data",
                "evaluate on the training or validation questions of the data",
            )
    # Another set may number other questions alike, and ask the same of other contexts.
    examples = {
        (example.id, sha256_of_context(example.context), example.question): example
        for example in (*prepared.train, *prepared.validation)
    }
    pairs = []
    passed_over: Counter[str] = Counter()
    for answer in (answer for evaluation in evaluations for answer in evaluation.answers):
        example = examples.get((answer.id, answer.context_sha256, answer.question))
        if example is None:
            passed_over[_UNKNOWN] += 1
        elif answer.f1 >= _HALF_RIGHT:
            passed_over[_RIGHT] += 1
        else:
            pairs.append(_pair(example, answer))
    if not pairs:
        told = "; ".join(f"of {count} {reason}" for reason, count in passed_over.items())
        raise ExallmError(
            "E-EXALLM-DATA-41",
            f"evaluations on {', '.join(each.data for each in evaluations)} give no pairs: {told}",
            "evaluate on questions of the data that the model gets wrong",
        )
    return ErrorPairs(tuple(pairs), dict(passed_over))


def _pair(example: Example, answer: ScoredAnswer) -> PreferencePair:
    return PreferencePair(
        id=example.id,
        prompt=example.prompt(),
        chosen=example.answers[0] if example.answers else NO_ANSWER,
        rejected=NO_ANSWER if answer.answer is None else answer.answer,
        source=example.source,
        document=example.document,
    )
