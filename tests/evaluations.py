"""Evaluations of answers that a test makes up: no model, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.fairness import fairness_of
from exallm_trainer.evaluate.leaks import leaks_of
from exallm_trainer.evaluate.score import score
from exallm_trainer.example import Example


def example(id: str, answer: str | None = "1682", question: str = "When was it built?") -> Example:
    """A question about a mill."""
    answers = () if answer is None else (answer,)
    return Example(id, "The mill was built in 1682.", question, answers, "own", "mill")


def evaluation_of(
    model: str,
    examples: Sequence[Example],
    answers: Sequence[str | None],
    groups: Mapping[str, str] | None = None,
) -> Evaluation:
    """The evaluation, with fairness by ``region`` where there are groups."""
    scoring = score(examples, [GivenAnswer(text) for text in answers])
    return Evaluation(
        model=model,
        data="mills",
        data_sha256="0" * 64,
        evaluated_at="2026-11-21T12:00:00Z",
        computed=None,
        scores=scoring.scores,
        slices=scoring.slices,
        failures=scoring.failures,
        overlap=None,
        likelihood=None,
        labels=None,
        misled=(),
        answers=scoring.answers,
        fairness=(fairness_of(scoring.answers, "region", groups),) if groups else (),
        leaks=leaks_of(examples, scoring.answers),
    )
