"""Scores of answers, whoever gave them: no model is needed here."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.failures import GROUPS, failure_group, holds
from exallm_trainer.evaluate.slices import slices_of
from exallm_trainer.example import Example
from exallm_udfs.bootstrap import Interval, mean_interval
from exallm_udfs.errors import ExallmError
from exallm_udfs.grounding import ground
from exallm_udfs.metrics import exact_match, f1_score, normalise_answer

_SHOWN_FAILURES = 5


@dataclass(frozen=True)
class ScoredAnswer:
    """One answer and what it is worth.

    :param context_sha256: of the context, by :func:`sha256_of_context`.
    :param right: every answer that counts as right; empty where the context holds none.
    :param answer: None where none was given.
    :param exact: 1.0 for an exact match, else 0.0.
    :param f1: over words, 0 to 1.
    :param grounded: whether the answer stands in its context; None where none was given.
    :param stopped: whether the generation ended of itself, None where that is not known.
    :param failure: the group of what is wrong, None for an exact match.
    """

    id: str
    context_sha256: str
    question: str
    right: tuple[str, ...]
    answer: str | None
    exact: float
    f1: float
    grounded: bool | None
    stopped: bool | None
    log_probability: float | None
    generated: str | None
    failure: str | None


@dataclass(frozen=True)
class Scores:
    """Figures over some questions; every share is from 0 to 1.

    :param answered: share of questions that got an answer.
    :param grounded: share of the given answers that stand in their context; None without any.
    :param stopped: share of generations that ended of themselves; None where that is not known.
    """

    questions: int
    exact: Interval
    f1: Interval
    answered: float
    grounded: float | None
    stopped: float | None


@dataclass(frozen=True)
class Slice:
    """The figures of one slice of a dimension, as ``question word``: ``when``."""

    dimension: str
    name: str
    scores: Scores


@dataclass(frozen=True)
class FailureGroup:
    """Wrong answers of one kind.

    :param ids: of the first few.
    """

    name: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Scoring:
    """Everything that follows from examples and answers alone.

    :param slices: by dimension, then by name.
    :param failures: the groups that occur, in the order in which they are told apart.
    :param answers: in the order of the examples.
    """

    scores: Scores
    slices: tuple[Slice, ...]
    failures: tuple[FailureGroup, ...]
    answers: tuple[ScoredAnswer, ...]


def score(
    examples: Sequence[Example],
    answers: Sequence[GivenAnswer],
    categories: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Scoring:
    """Score answers in the order of their examples, as ``AI_ANSWER_BATCH`` or a model gave them.

    :param categories: id of an example to its category, for a further dimension of slices.
    :param seed: of the intervals.
    :raises ExallmError: E-EXALLM-TRAIN-22 where there are none, or not as many as examples.
    """
    if not examples or len(examples) != len(answers):
        raise ExallmError(
            "E-EXALLM-TRAIN-22",
            f"there are {len(answers)} answers to {len(examples)} questions",
            "give one answer a question, in the same order, and at least one",
        )
    scored = tuple(map(score_answer, examples, answers))
    return Scoring(
        scores=scores_of(scored, seed),
        slices=_slices(examples, scored, categories or {}, seed),
        failures=_failures(scored),
        answers=scored,
    )


def score_answer(example: Example, answer: GivenAnswer) -> ScoredAnswer:
    """Score one answer."""
    grounded = None
    if answer.text is not None:
        grounded = ground(answer.text, example.context, example.question) is not None
    return ScoredAnswer(
        id=example.id,
        context_sha256=sha256_of_context(example.context),
        question=example.question,
        right=example.answers,
        answer=answer.text,
        exact=exact_match(answer.text, example.answers),
        f1=f1_score(answer.text, example.answers),
        grounded=grounded,
        stopped=answer.stopped,
        log_probability=answer.log_probability,
        generated=answer.generated,
        failure=failure_group(example, answer),
    )


def sha256_of_context(context: str) -> str:
    """In hexadecimal digits; JSON may hold half a character, which counts as it stands."""
    return hashlib.sha256(context.encode(errors="surrogatepass")).hexdigest()


def scores_of(scored: Sequence[ScoredAnswer], seed: int = 0) -> Scores:
    """The figures over some scored answers, of which there is at least one."""
    return Scores(
        questions=len(scored),
        exact=mean_interval([answer.exact for answer in scored], seed),
        f1=mean_interval([answer.f1 for answer in scored], seed),
        answered=sum(answer.answer is not None for answer in scored) / len(scored),
        grounded=_share([answer.grounded for answer in scored]),
        stopped=_share([answer.stopped for answer in scored]),
    )


def fell_for(answer: str | None, right: Sequence[str], trap: str) -> bool:
    """Whether a wrong answer says what an adversarial question tempts to say."""
    if exact_match(answer, right):
        return False
    return holds(normalise_answer(answer or "unanswerable").split(), normalise_answer(trap).split())


def _share(known: Sequence[bool | None]) -> float | None:
    values = [value for value in known if value is not None]
    return sum(values) / len(values) if values else None


def _slices(
    examples: Sequence[Example],
    scored: Sequence[ScoredAnswer],
    categories: Mapping[str, str],
    seed: int,
) -> tuple[Slice, ...]:
    members: dict[tuple[str, str], list[ScoredAnswer]] = defaultdict(list)
    for example, answer in zip(examples, scored, strict=True):
        dimensions = slices_of(example)
        if example.id in categories:
            dimensions["category"] = categories[example.id]
        for dimension, name in dimensions.items():
            members[dimension, name].append(answer)
    return tuple(
        Slice(dimension, name, scores_of(answers, seed))
        for (dimension, name), answers in sorted(members.items())
    )


def _failures(scored: Sequence[ScoredAnswer]) -> tuple[FailureGroup, ...]:
    groups = []
    for name in GROUPS:
        ids = [answer.id for answer in scored if answer.failure == name]
        if ids:
            groups.append(FailureGroup(name, len(ids), tuple(ids[:_SHOWN_FAILURES])))
    return tuple(groups)
