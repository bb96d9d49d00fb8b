"""The order in which passages are seen: a pure function of seed and epoch."""

from __future__ import annotations

import random
from collections.abc import Sequence

from exallm_trainer.train.passage import Passage

# Steps of passages are sorted by length within so many steps, so that rows fill well.
_WINDOW_STEPS = 16


def epoch_order(
    passages: Sequence[Passage], passages_per_step: int, seed: int, epoch: int
) -> list[list[int]]:
    """Indices of the passages of each step of an epoch; every passage once.

    Passages are shuffled, sorted by length within windows, and the steps of a window shuffled.
    """
    generator = random.Random(f"{seed} {epoch}")
    shuffled = list(range(len(passages)))
    generator.shuffle(shuffled)
    window = passages_per_step * _WINDOW_STEPS
    order: list[list[int]] = []
    for start in range(0, len(shuffled), window):
        members = sorted(
            shuffled[start : start + window], key=lambda index: passages[index].computed_tokens
        )
        steps = [
            members[at : at + passages_per_step] for at in range(0, len(members), passages_per_step)
        ]
        generator.shuffle(steps)
        order += steps
    return order


def steps_an_epoch(passages: int, passages_per_step: int) -> int:
    """How many steps :func:`epoch_order` gives."""
    full, rest = divmod(passages, passages_per_step * _WINDOW_STEPS)
    return full * _WINDOW_STEPS + -(-rest // passages_per_step)
