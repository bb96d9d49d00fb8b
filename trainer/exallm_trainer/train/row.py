"""Rows: passages as the tensors that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from exallm_trainer.train.passage import Passage


@dataclass(frozen=True)
class Row:
    """Passages one after the other, none of which sees another. There is no padding.

    :param input_ids: shape (1, tokens).
    :param position_ids: shape (1, tokens), as in the separate examples.
    :param attention_mask: shape (1, 1, tokens, tokens), True where a token sees another; on a CPU
        what is added to its score, 0 or the lowest number.
    :param predicting: shape (answer tokens), positions whose logits predict the labels.
    :param labels: shape (answer tokens).
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    attention_mask: torch.Tensor
    predicting: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> Row:
        """The same row on a device.

        On a CPU attention is computed by plain products, which are faster there than the fused
        kernel for rows of a few hundred tokens; these add the mask instead of reading it.
        """
        row = Row(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))
        if device.type != "cpu":
            return row
        added = torch.zeros(row.attention_mask.shape)
        added.masked_fill_(~row.attention_mask, torch.finfo(torch.bfloat16).min)
        return replace(row, attention_mask=added)

    def logits(self, model: Any) -> torch.Tensor:
        """Shape (answer tokens, vocabulary), in float32."""
        output = model(
            input_ids=self.input_ids,
            position_ids=self.position_ids,
            attention_mask=self.attention_mask,
            logits_to_keep=self.predicting,
            use_cache=False,
        )
        logits: torch.Tensor = output.logits[0].float()
        return logits

    def loss(self, model: Any) -> torch.Tensor:
        """Sum over the labels, in nats; shape ()."""
        return cross_entropy(self.logits(model), self.labels, reduction="sum")


def row_of(passages: Sequence[Passage]) -> Row:
    """The tensors of these passages, in this order."""
    tokens: list[int] = []
    positions: list[int] = []
    predicting: list[int] = []
    labels: list[int] = []
    size = sum(passage.computed_tokens for passage in passages)
    sees = torch.zeros(size, size, dtype=torch.bool)
    for passage in passages:
        begin, trunk = len(tokens), len(passage.trunk)
        tokens += passage.trunk
        positions += range(trunk)
        sees[begin : begin + trunk, begin : begin + trunk] = _triangle(trunk)
        for branch in passage.branches:
            at, length = len(tokens), len(branch.tokens)
            tokens += branch.tokens
            positions += range(trunk, trunk + length)
            sees[at : at + length, begin : begin + trunk] = True
            sees[at : at + length, at : at + length] = _triangle(length)
            first = at + length - branch.answer_tokens
            predicting += range(first - 1, at + length - 1)
            labels += branch.tokens[length - branch.answer_tokens :]
    return Row(
        input_ids=torch.tensor([tokens]),
        position_ids=torch.tensor([positions]),
        attention_mask=sees[None, None],
        predicting=torch.tensor(predicting),
        labels=torch.tensor(labels),
    )


def _triangle(size: int) -> torch.Tensor:
    return torch.ones(size, size, dtype=torch.bool).tril()
