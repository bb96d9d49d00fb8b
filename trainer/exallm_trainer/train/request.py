"""What a run is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exallm_trainer.example import Example
from exallm_trainer.recipe import Recipe


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on what, and for how long.

    :param base: a GGUF file, a checkpoint folder or ``owner/name`` of the Hub.
    :param examples: of the training split.
    :param validation: of the validation split, which chooses the checkpoint.
    :param data_sha256: of the prepared data.
    :param card: of the prepared data, which the run folder keeps.
    :param tokens: folder that keeps the examples' tokens for the next run, None to keep none.
    :param max_minutes: training stops cleanly after so many minutes; the same request continues.
    :param tracker: ``tensorboard`` or ``trackio``, which then get every figure, too.
    :param cpu: compute on the CPU even where there is an accelerator.
    """

    recipe: Recipe
    base: str
    examples: Sequence[Example]
    validation: Sequence[Example]
    data_sha256: str
    card: str
    tokens: Path | None = None
    max_minutes: float | None = None
    tracker: str | None = None
    cpu: bool = False
