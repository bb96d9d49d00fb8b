"""Evaluation of a model on a set of questions."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from exallm_trainer.evaluate.adversarial import Misled, misled
from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.decoding import Decoding, cannot_ask
from exallm_trainer.evaluate.evaluation_set import EvaluationSet
from exallm_trainer.evaluate.fairness import Fairness, fairness_of
from exallm_trainer.evaluate.labels import LabelScores, label_scores
from exallm_trainer.evaluate.leaks import Leak, leaks_of
from exallm_trainer.evaluate.likelihood import Likelihood
from exallm_trainer.evaluate.model_place import ModelPlace
from exallm_trainer.evaluate.overlap import Overlap, overlap_of
from exallm_trainer.evaluate.score import FailureGroup, ScoredAnswer, Scores, Scoring, Slice, score
from exallm_trainer.recipe import SpanSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Figure
from exallm_udfs.prompt import ContextQuestion

_VERSIONS = ("exallm", "torch", "transformers")
# Called with what is being done, how much of it is done, and how much there is.
Observer = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate, on what, and how.

    :param decoding: None for the usual way, and for a model that points at answers.
    :param base: what an adapter is put on, None for what it names itself.
    :param labels: every label, where the answers are labels.
    :param positive: the label whose rates are compared between groups; None: being answered.
    :param cpu: compute on the CPU even where there is an accelerator.
    :param seed: of the intervals.

    E-EXALLM-TRAIN-22 where the positive label is none of the labels, -24 where a model that points
    is to generate, -25 as ``ModelPlace.span``.
    """

    place: ModelPlace
    data: EvaluationSet
    decoding: Decoding | None = None
    base: str | None = None
    labels: tuple[str, ...] = ()
    positive: str | None = None
    cpu: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _require_label(self.positive, self.labels)
        if self.decoding is not None and self.place.span() is not None:
            raise cannot_ask(f"{self.place.name} points at answers and generates no text")

    @property
    def asking(self) -> Decoding | SpanSettings:
        """How the model generates, or how it reads where it points."""
        return self.place.span() or self.decoding or Decoding()


@dataclass(frozen=True)
class Computed:
    """By what the answers were computed, and how.

    :param sha256: of the model's weights, of the adapter where there is one.
    :param base_sha256: of what the adapter was put on.
    :param decoding: None for a model that points at answers, which has ``span`` instead.
    :param seconds: for the answers alone, without loading the model.
    """

    model: str
    sha256: str
    base_sha256: str | None
    decoding: Decoding | None
    device: str
    precision: str
    versions: dict[str, str]
    seconds: float
    span: SpanSettings | None = None

    def __post_init__(self) -> None:
        if (self.decoding is None) == (self.span is None):
            raise ValueError("a model either generates or points")

    def way(self) -> str:
        """How the answers were computed, in words."""
        if self.decoding is not None:
            return (
                f"greedy, at most {self.decoding.max_new_tokens} new tokens,"
                f" {self.decoding.batch_rows} prompts a batch"
            )
        assert self.span is not None, "it generates or points"
        return (
            f"pointing, windows of {self.span.window_tokens} tokens that overlap by"
            f" {self.span.overlap_tokens}, answers of at most {self.span.max_answer_tokens}"
        )


@dataclass(frozen=True)
class Evaluation:
    """All that was found out; every share is from 0 to 1.

    :param data: name of the set.
    :param data_sha256: of the questions that were asked, with contexts and right answers.
    :param computed: None for answers that came from elsewhere.
    :param overlap: None where no question has an answer.
    :param labels: where the answers are labels.
    :param misled: by category, on adversarial questions.
    :param fairness: by field, where the data names groups.
    :param leaks: by kind: personal data that stands in neither context nor question.
    """

    model: str
    data: str
    data_sha256: str
    evaluated_at: str
    computed: Computed | None
    scores: Scores
    slices: tuple[Slice, ...]
    failures: tuple[FailureGroup, ...]
    overlap: Overlap | None
    likelihood: Likelihood | None
    labels: LabelScores | None
    misled: tuple[Misled, ...]
    answers: tuple[ScoredAnswer, ...]
    fairness: tuple[Fairness, ...] = ()
    leaks: tuple[Leak, ...] = ()

    def values(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return asdict(self)

    def figures(self) -> dict[str, Figure]:
        """The few of them that a package's manifest holds."""
        scores = self.scores
        found: dict[str, Figure] = {
            "data": self.data,
            "data_sha256": self.data_sha256,
            "evaluated_at": self.evaluated_at,
            "questions": scores.questions,
            "exact_match": round(scores.exact.mean, 4),
            "f1": round(scores.f1.mean, 4),
            "f1_low": round(scores.f1.low, 4),
            "f1_high": round(scores.f1.high, 4),
        }
        for name, share in (("grounded", scores.grounded), ("stopped", scores.stopped)):
            if share is not None:
                found[name] = round(share, 4)
        if self.likelihood is not None:
            found["perplexity"] = round(self.likelihood.perplexity, 4)
            found["bits_per_byte"] = round(self.likelihood.bits_per_byte, 4)
        return found


def unobserved(what: str, done: int, total: int) -> None:
    """An observer that does nothing."""


def evaluate(request: EvaluationRequest, observe: Observer = unobserved) -> Evaluation:
    """Load the model, let it answer, and score the answers.

    :raises ExallmError: E-EXALLM-TRAIN-3 or -25 where the model cannot be loaded, E-EXALLM-TRAIN-22
        where a right answer is none of the labels.
    """
    from exallm_trainer.evaluate.answerer import answerer_of
    from exallm_trainer.evaluate.model_under_test import load_model

    observe("loading the model", 0, 0)
    under_test = load_model(request.place, request.base, request.cpu)
    asking = request.asking
    answerer = answerer_of(under_test, asking)
    examples = request.data.examples
    asked = [ContextQuestion(example.context, example.question) for example in examples]
    began = time.monotonic()
    given = answerer.answer(asked, lambda done, total: observe("answering", done, total))
    seconds = time.monotonic() - began
    likelihood = answerer.likelihood(
        examples, lambda done, total: observe("right answers", done, total)
    )
    computed = Computed(
        model=request.place.name,
        sha256=under_test.sha256,
        base_sha256=under_test.base_sha256,
        decoding=asking if isinstance(asking, Decoding) else None,
        device=under_test.device.type,
        precision=under_test.precision,
        versions={name: version(name) for name in _VERSIONS},
        seconds=round(seconds, 2),
        span=asking if isinstance(asking, SpanSettings) else None,
    )
    return judge(
        request.place.name,
        request.data,
        given,
        computed,
        likelihood,
        request.labels,
        request.seed,
        request.positive,
    )


def judge(
    model: str,
    data: EvaluationSet,
    given: Sequence[GivenAnswer],
    computed: Computed | None = None,
    likelihood: Likelihood | None = None,
    labels: Sequence[str] = (),
    seed: int = 0,
    positive: str | None = None,
) -> Evaluation:
    """The evaluation of answers, in the order of the set's questions, whoever gave them.

    :raises ExallmError: E-EXALLM-TRAIN-22 where they are not as many, or where a right answer or
        the positive label is none of the labels.
    """
    _require_label(positive, labels)
    scoring: Scoring = score(data.examples, given, data.categories, seed)
    return Evaluation(
        model=model,
        data=data.name,
        data_sha256=data.sha256,
        evaluated_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        computed=computed,
        scores=scoring.scores,
        slices=scoring.slices,
        failures=scoring.failures,
        overlap=overlap_of(
            [answer.right for answer in scoring.answers],
            [answer.answer for answer in scoring.answers],
        ),
        likelihood=likelihood,
        labels=_labels(scoring, labels),
        misled=misled(scoring.answers, data.categories, data.traps),
        fairness=tuple(
            fairness_of(scoring.answers, name, groups, data.counterparts, positive, seed)
            for name, groups in data.groups.items()
        ),
        leaks=leaks_of(data.examples, scoring.answers),
        answers=scoring.answers,
    )


def _labels(scoring: Scoring, labels: Sequence[str]) -> LabelScores | None:
    if not labels:
        return None
    return label_scores(
        [answer.right[0] if answer.right else "" for answer in scoring.answers],
        [answer.answer for answer in scoring.answers],
        labels,
    )


def _require_label(positive: str | None, labels: Sequence[str]) -> None:
    if positive is not None and positive not in labels:
        raise ExallmError(
            "E-EXALLM-TRAIN-22",
            f"the positive label {positive} is none of the labels {', '.join(labels)}",
            "name each label, and the positive one among them",
        )
