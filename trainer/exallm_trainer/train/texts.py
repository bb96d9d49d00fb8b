"""Running text: the loss is that of every token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from exallm_trainer.evaluate.likelihood import likelihood_of
from exallm_trainer.train.base_model import BaseModel
from exallm_trainer.train.objective import Validation
from exallm_trainer.train.passage import Passage
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.row import row_of
from exallm_trainer.train.text_windows import text_windows
from exallm_udfs.errors import ExallmError


class Texts:
    """The objective of a recipe that learns a language.

    :raises ExallmError: E-EXALLM-TRAIN-56 where the model has less positions than a window has
        tokens, or would keep positions that no text reaches.
    """

    left_out = 0  # what is too long is cut

    def __init__(self, request: TrainRequest, start: BaseModel, device: torch.device) -> None:
        self._device = device
        size = request.recipe.window_tokens
        _require_positions(int(start.model.config.max_position_embeddings), size)
        learnt, judged = request.training_texts, request.validation_texts
        self.training = text_windows(learnt, start.tokenizer, size, request.tokens)
        self.validation = text_windows(judged, start.tokenizer, size, request.tokens)
        self._validation_bytes = sum(len(text.encode()) for text in judged)
        if request.recipe.architecture is not None:
            _require_long_texts(self.training, size)

    def loss(self, model: Any, row: Sequence[Passage]) -> torch.Tensor:
        """In nats, over all tokens of the texts and those that end them."""
        return row_of(row).to(self._device).loss(model)

    def figures(self, model: Any, sample: Passage) -> Sequence[float]:
        """Loss and tokens."""
        return self.loss(model, [sample]).item(), sample.learnt

    def judged(self, sums: Sequence[float]) -> Validation:
        """Mean loss of a token, and bits for each byte of the texts."""
        nats, tokens = sums
        figures = likelihood_of(nats, round(tokens), self._validation_bytes)
        return Validation(nats / tokens, bits_per_byte=figures.bits_per_byte)


def _require_positions(positions: int, size: int) -> None:
    if size > positions:
        raise ExallmError(
            "E-EXALLM-TRAIN-56",
            f"windows of {size} tokens do not fit into the model, which has {positions} positions",
            f"set max_tokens = {positions} or less in the recipe",
        )


def _require_long_texts(windows: Sequence[Passage], block_size: int) -> None:
    """Positions that no text reaches would stay random, and a prompt may reach them."""
    longest = max((window.computed_tokens for window in windows), default=block_size)
    if longest < block_size:
        raise ExallmError(
            "E-EXALLM-TRAIN-56",
            f"no text has the {block_size} tokens of a block; the longest has {longest}",
            f"set block_size = {longest} or less in the recipe, or prepare longer texts",
        )
