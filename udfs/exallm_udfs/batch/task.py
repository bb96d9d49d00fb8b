"""What differs between functions: how a row is asked, and what its answer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from exallm_udfs.batch.model import Model
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Value
from exallm_udfs.engines.engine import Generation
from exallm_udfs.grounding import Span
from exallm_udfs.row_error import RowError


@dataclass(frozen=True)
class Question:
    """One prompt of a row.

    :param span: the part of the row's context that the prompt holds; None without a context.
    """

    prompt: str
    span: Span | None = None


@dataclass(frozen=True)
class Answer:
    """What a row's result says beside what was used."""

    values: tuple[Value, ...]
    finish_reason: str


class Task(Protocol):
    """One family of functions."""

    @property
    def width(self) -> int:
        """How many columns of its own the family has."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end every answer of the family, beside those of package and options."""
        ...

    @property
    def takes_spans(self) -> bool:
        """Whether a model that points at answers in a context can serve the family."""
        ...

    def questions(self, request: Request, model: Model) -> list[Question] | RowError:
        """The prompts of a row that has input, at least one, or why it cannot be asked."""
        ...

    def answer(
        self,
        request: Request,
        model: Model,
        questions: Sequence[Question],
        generations: Sequence[Generation],
    ) -> Answer:
        """The row's answer from what the model generated for its questions, in their order."""
        ...
