"""What training tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from exallm_trainer.train.objective import Validation


@dataclass(frozen=True)
class StepReport:
    """One step.

    :param epoch: the one that the step belongs to, from 1.
    :param loss: mean over what the step learns, in nats.
    :param gradient_norm: before it was clipped.
    :param example_tokens: of the examples written out whole.
    :param computed_tokens: those that were computed; passages are shared.
    :param seconds: since the run began, over all its processes, checkpoints included.
    :param seconds_left: by the rate of this process so far.
    """

    step: int
    total_steps: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    example_tokens: int
    computed_tokens: int
    step_seconds: float
    seconds: float
    seconds_left: float
    validation: Validation | None

    def figures(self) -> dict[str, float | int]:
        """For ``metrics.jsonl``: one flat line."""
        values = asdict(self)
        validation = values.pop("validation")
        if validation is not None:
            values |= {
                f"validation_{name}": value
                for name, value in validation.items()
                if value is not None
            }
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in values.items()
        }


Observer = Callable[[StepReport], None]


class EndedByObserverError(Exception):
    """Raised by an observer: the run stops as it does at the end of its time.

    Only where one process trains; others would wait for this one.
    """


def unobserved(report: StepReport) -> None:
    """An observer that does nothing."""
