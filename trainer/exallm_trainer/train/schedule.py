"""The learning rate of each step."""

from __future__ import annotations

from math import cos, pi

from exallm_trainer.recipe import Optimisation


def learning_rate(settings: Optimisation, step: int, total_steps: int) -> float:
    """Of step 1 to ``total_steps``: a linear warm-up, then half a cosine down to the final rate."""
    if step <= settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    falling = max(total_steps - settings.warmup_steps, 1)
    share = min((step - settings.warmup_steps) / falling, 1.0)
    span = settings.learning_rate - settings.final_learning_rate
    return settings.final_learning_rate + span * (1 + cos(pi * share)) / 2
