"""Rows answered by a model that writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exallm_udfs.batch.generate import generate
from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.batch.model import Model
from exallm_udfs.batch.outcome import Outcome
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Result, Usage, failed
from exallm_udfs.batch.task import Question, Task
from exallm_udfs.engines.engine import Generation
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError


@dataclass
class _Pending:
    """A row whose prompts are with the engine, and what has come of them by their number."""

    request: Request
    questions: list[Question]
    outcomes: dict[int, Outcome[Generation]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == len(self.questions)


class Writing:
    """Asks a model the prompts of rows.

    :param task: makes the prompts, and reads the answers in what is written after them.
    :param known: what was written before, for equal prompts.
    """

    def __init__(self, model: Model, task: Task, options: Options, known: KnownGenerations) -> None:
        self._model = model
        self._task = task
        self._options = options
        self._known = known

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Result]]:
        """Each row exactly once with its result, as results come."""
        model, width = self._model, self._task.width
        prompts: list[str] = []
        owners: list[tuple[_Pending, int]] = []
        for request in requests:
            questions = self._task.questions(request, model)
            if isinstance(questions, RowError):
                yield request, failed(width, questions, Usage(model.version))
                continue
            pending = _Pending(request, questions)
            for number, question in enumerate(questions):
                prompts.append(question.prompt)
                owners.append((pending, number))
        for position, outcome in generate(model, prompts, self._options, self._known):
            pending, number = owners[position]
            pending.outcomes[number] = outcome
            if pending.complete:
                yield pending.request, self._conclude(pending)

    def _conclude(self, pending: _Pending) -> Result:
        outcomes = [pending.outcomes[number] for number in range(len(pending.questions))]
        usage = _usage(self._model, outcomes)
        generations = []
        for outcome in outcomes:
            if isinstance(outcome.result, RowError):
                return failed(self._task.width, outcome.result, usage)
            generations.append(outcome.result)
        answer = self._task.answer(pending.request, self._model, pending.questions, generations)
        return Result(answer.values, answer.finish_reason, usage)


def _usage(model: Model, outcomes: Sequence[Outcome[Generation]]) -> Usage:
    """What was used; the tokens only of prompts that were computed."""
    computed = [out.result for out in outcomes if isinstance(out.result, Generation)]
    return Usage(
        model_version=model.version,
        prompt_tokens=sum(generation.prompt_tokens for generation in computed),
        completion_tokens=sum(generation.completion_tokens for generation in computed),
        latency_ms=round(sum(outcome.latency_ms for outcome in outcomes), 3),
    )
