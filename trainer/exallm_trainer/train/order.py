"""The order in which samples are seen: a pure function of seed and epoch."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

from exallm_trainer.train.objective import Sample

_Sample = TypeVar("_Sample", bound=Sample)

# Steps of samples are sorted by length within so many steps, so that rows fill well.
_WINDOW_STEPS = 16


def epoch_order(
    samples: Sequence[Sample], samples_per_step: int, seed: int, epoch: int
) -> list[list[int]]:
    """Indices of the samples of each step of an epoch; every sample once.

    Samples are shuffled, sorted by length within windows, and the steps of a window shuffled.
    """
    generator = random.Random(f"{seed} {epoch}")
    shuffled = list(range(len(samples)))
    generator.shuffle(shuffled)
    window = samples_per_step * _WINDOW_STEPS
    order: list[list[int]] = []
    for start in range(0, len(shuffled), window):
        members = sorted(
            shuffled[start : start + window], key=lambda index: samples[index].computed_tokens
        )
        steps = [
            members[at : at + samples_per_step] for at in range(0, len(members), samples_per_step)
        ]
        generator.shuffle(steps)
        order += steps
    return order


def steps_an_epoch(samples: int, samples_per_step: int) -> int:
    """How many steps :func:`epoch_order` gives."""
    full, rest = divmod(samples, samples_per_step * _WINDOW_STEPS)
    return full * _WINDOW_STEPS + -(-rest // samples_per_step)


def fill_rows(samples: Iterable[_Sample], row_tokens: int) -> list[list[_Sample]]:
    """The samples of each row of at most ``row_tokens``; a longer one has a row of its own."""
    rows: list[list[_Sample]] = []
    room = 0
    for sample in samples:
        if sample.computed_tokens > room:
            rows.append([])
            room = row_tokens
        rows[-1].append(sample)
        room -= sample.computed_tokens
    return rows
