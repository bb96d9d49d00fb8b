"""Numbers that no longer mean anything end a run."""

from __future__ import annotations

import math

from exallm_trainer.train.checkpoint import Position
from exallm_udfs.errors import ExallmError

# The mean loss of recent steps, over that of the first one, above which a run has diverged.
_LIMIT = 2.0
_SMOOTHING = 0.95


def require_sound(position: Position, loss: float, norm: float, is_scaled: bool) -> None:
    """Note a step's loss in the position, and refuse to go on from what has diverged.

    :param norm: of the step's gradient.
    :param is_scaled: fp16 with scaled gradients: a step with an infinite one is left out by the
        scaler, so it is no end.
    :raises ExallmError: E-EXALLM-TRAIN-8.
    """
    if not math.isfinite(loss) or not (math.isfinite(norm) or is_scaled):
        raise _diverged(f"the loss of step {position.step} is {loss}, its gradient {norm}")
    if position.step == 1:
        position.first_loss = position.recent_loss = loss
    position.recent_loss = position.recent_loss * _SMOOTHING + loss * (1 - _SMOOTHING)
    if position.recent_loss > _LIMIT * max(position.first_loss, 1.0):
        raise _diverged(
            f"the loss has grown from {position.first_loss:.2f} to {position.recent_loss:.2f}"
        )


def _diverged(problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-8",
        f"training was ended: {problem}",
        "lower learning_rate or clip in the recipe, and name a new run folder",
    )
