"""What the user gives: prices, measured use, and how good the answers are."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.errors import ExallmError

# Within these every figure, and every place of a chart, is a float.
_LEAST, _MOST = 1e-15, 1e15


@dataclass(frozen=True)
class Prices:
    """All in one currency.

    :param hosted_input: of a million tokens that a hosted model reads.
    :param hosted_output: of a million tokens that it writes.
    :param machine: of an hour of the machine that serves the model of one's own.
    :param training_machine: of an hour of the machine that trains it.
    :param labour: what people cost until the model stands: data, training, evaluation.
    """

    hosted_input: float
    hosted_output: float
    machine: float
    training_machine: float
    labour: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require_from_zero(f"the price {name}", value)


@dataclass(frozen=True)
class Use:
    """What was measured.

    :param prompt_tokens: tokens a row that the model of one's own reads.
    :param completion_tokens: tokens a row that is written.
    :param hosted_prompt_tokens: tokens a row that the hosted model reads, worked examples included.
    :param rows_per_second: of the machine that serves.
    :param busy_share: share of the paid time in which that machine computes, above 0 and up to 1.
    :param training_hours: of all runs that were needed, those that failed included.
    """

    prompt_tokens: float
    completion_tokens: float
    hosted_prompt_tokens: float
    rows_per_second: float
    training_hours: float
    busy_share: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require_from_zero(name, value)
        if self.rows_per_second == 0:
            raise invalid("rows_per_second is 0: such a machine never ends", "measure a run")
        if not 0 < self.busy_share <= 1:
            raise invalid(f"busy_share is {self.busy_share}", "give a share above 0 and up to 1")


@dataclass(frozen=True)
class Quality:
    """Figures of one kind on one set, as F1 in points of 100.

    :param goal: what is good enough.
    :param prompting: of a model that was not tuned, with the best prompt that there is.
    :param tuned: of the tuned model; None before there is one.
    """

    goal: float
    prompting: float
    tuned: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                require_from_zero(f"the quality {name}", value)


def require_from_zero(name: str, value: float) -> None:
    """:raises ExallmError: E-EXALLM-TRAIN-40 for what is negative, no number or out of measure."""
    if not (value == 0 or _LEAST <= value <= _MOST):
        raise invalid(f"{name} is {value}", f"give 0, or a number from {_LEAST:g} to {_MOST:g}")


def invalid(problem: str, remedy: str) -> ExallmError:
    """E-EXALLM-TRAIN-40."""
    return ExallmError("E-EXALLM-TRAIN-40", f"no cost can be computed: {problem}", remedy)
