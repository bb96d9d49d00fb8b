"""The way of many rows through their models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exallm_udfs.batch.generate import Outcome, generate
from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.batch.model import Model, Models
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Result, Usage
from exallm_udfs.batch.task import Question, Task
from exallm_udfs.engines.engine import Generation
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError


@dataclass
class _Pending:
    """A row whose prompts are with the engine, and what has come of them by their number."""

    request: Request
    questions: list[Question]
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == len(self.questions)


class Pipeline:
    """Rows to results for one family of functions."""

    def __init__(self, models: Models, task: Task) -> None:
        self._models = models
        self._task = task
        self._known = KnownGenerations()

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Result]]:
        """Each request exactly once with its result, as results come, in no set order.

        What is wrong with a row is its result. An unknown model, a broken package and options
        that the model cannot serve raise, since the rows could not be computed at all.
        """
        groups: dict[tuple[ModelReference, Options], list[Request]] = {}
        for request in requests:
            if request.reference is None or not request.has_input:
                yield request, Result((None,) * self._task.width, "no_input", Usage())
            else:
                key = request.reference, request.options
                groups.setdefault(key, []).append(request)
        for (reference, options), members in groups.items():
            model = self._models.get(reference, options, self._task.stop)
            yield from self._compute_group(model, options, members)

    def _compute_group(
        self, model: Model, options: Options, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Result]]:
        prompts: list[str] = []
        owners: list[tuple[_Pending, int]] = []
        for request in requests:
            questions = self._task.questions(request, model)
            if isinstance(questions, RowError):
                yield request, self._failed(questions, Usage(model.version))
                continue
            pending = _Pending(request, questions)
            for number, question in enumerate(questions):
                prompts.append(question.prompt)
                owners.append((pending, number))
        for position, outcome in generate(model, prompts, options, self._known):
            pending, number = owners[position]
            pending.outcomes[number] = outcome
            if pending.complete:
                yield pending.request, self._conclude(model, pending)

    def _conclude(self, model: Model, pending: _Pending) -> Result:
        outcomes = [pending.outcomes[number] for number in range(len(pending.questions))]
        generations = []
        for outcome in outcomes:
            if isinstance(outcome.result, RowError):
                return self._failed(outcome.result, _usage(model, outcomes))
            generations.append(outcome.result)
        answer = self._task.answer(pending.request, model, pending.questions, generations)
        return Result(answer.values, answer.finish_reason, _usage(model, outcomes))

    def _failed(self, error: RowError, usage: Usage) -> Result:
        return Result((None,) * self._task.width, "error", usage, error)


def _usage(model: Model, outcomes: Sequence[Outcome]) -> Usage:
    """What was used; the tokens only of prompts that were computed."""
    computed = [out.result for out in outcomes if isinstance(out.result, Generation)]
    return Usage(
        model_version=model.version,
        prompt_tokens=sum(generation.prompt_tokens for generation in computed),
        completion_tokens=sum(generation.completion_tokens for generation in computed),
        latency_ms=round(sum(outcome.latency_ms for outcome in outcomes), 3),
    )
