"""Answers to questions about a context: the loss is that of the answers' tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from exallm_trainer.data.token_cache import tokenised
from exallm_trainer.example import Example
from exallm_trainer.train.objective import Validation
from exallm_trainer.train.passage import Passage, passages_of
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.row import row_of


class Answers:
    """The objective of a recipe that learns to answer."""

    def __init__(self, request: TrainRequest, tokenizer: Any, device: torch.device) -> None:
        self._device = device
        self.training, left_out = _passages(request, request.data.train, tokenizer)
        self.validation, more_left_out = _passages(request, request.data.validation, tokenizer)
        self.left_out = left_out + more_left_out

    def loss(self, model: Any, row: Sequence[Passage]) -> torch.Tensor:
        """In nats, over the tokens of all answers."""
        return row_of(row).to(self._device).loss(model)

    def figures(self, model: Any, sample: Passage) -> Sequence[float]:
        """Loss, tokens, answers that greedy decoding would write to the letter, and answers.

        It does so where each of an answer's tokens is the likeliest after those before it.
        """
        row = row_of([sample]).to(self._device)
        logits = row.logits(model)
        right = (logits.argmax(dim=-1) == row.labels).cpu()
        sizes = [branch.answer_tokens for branch in sample.branches]
        return (
            cross_entropy(logits, row.labels, reduction="sum").item(),
            sample.learnt,
            sum(bool(part.all()) for part in right.split(sizes)),
            len(sizes),
        )

    def judged(self, sums: Sequence[float]) -> Validation:
        """Mean loss of a token, and the share of the answers that are right."""
        loss, tokens, exact, answers = sums
        return Validation(loss / tokens, exact / answers)


def _passages(
    request: TrainRequest, examples: Sequence[Example], tokenizer: Any
) -> tuple[list[Passage], int]:
    tokens = tokenised(examples, tokenizer, request.tokens)
    return passages_of(examples, tokens, request.recipe.optimisation.max_tokens)
