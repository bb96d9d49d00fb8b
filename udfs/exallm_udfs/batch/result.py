"""What one row gets."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.row_error import RowError

MESSAGE_LIMIT = 2000

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Usage:
    """What a row's answer took.

    :param model_version: ``qa@v3``; None where no model was asked.
    :param prompt_tokens: tokens of all the row's prompts, also where an equal prompt was computed
        before.
    :param completion_tokens: tokens generated after them.
    :param latency_ms: the row's share of the time of the engine's calls: a call's time is divided
        evenly by its prompts. 0 where equal prompts had been computed for another row.
    """

    model_version: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class Result:
    """A row's answer or its error.

    :param values: the function's own columns, the answer first; all None for an error.
    :param finish_reason: ``stop``, ``length``, ``no_answer``, ``no_input`` or ``error``.
    """

    values: tuple[Value, ...]
    finish_reason: str
    usage: Usage
    error: RowError | None = None

    def columns(self) -> tuple[Value, ...]:
        """All columns behind the row's id, in the order of the ``_BATCH`` functions."""
        usage = self.usage
        return (
            *self.values,
            self.finish_reason,
            usage.model_version,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.latency_ms,
            None if self.error is None else self.error.code,
            None if self.error is None else self.error.message[:MESSAGE_LIMIT],
        )


def failed(width: int, error: RowError, usage: Usage) -> Result:
    """The result of a row that has no answer because of an error.

    :param width: columns of the function's own.
    """
    return Result((None,) * width, "error", usage, error)
