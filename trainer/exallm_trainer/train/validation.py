"""What a model makes of examples that it does not train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from exallm_trainer.train.passage import Passage
from exallm_trainer.train.row import row_of


@dataclass(frozen=True)
class Validation:
    """Figures over a split.

    :param loss: mean over the tokens of the answers, in nats.
    :param exact: share of examples, 0 to 1, whose completion greedy decoding would write to the
        letter: each of its tokens is the likeliest after those before it.
    """

    loss: float
    exact: float


def validate(model: Any, passages: Sequence[Passage], accelerator: Any) -> Validation:
    """Compute the figures, each process its share of the passages; the model is left in training.

    ``passages`` is not empty.
    """
    totals = torch.zeros(4, dtype=torch.float64)
    model.eval()
    with torch.inference_mode():
        for passage in passages[accelerator.process_index :: accelerator.num_processes]:
            row = row_of([passage]).to(accelerator.device)
            logits = row.logits(model)
            totals[0] += cross_entropy(logits, row.labels, reduction="sum").item()
            totals[1] += passage.answer_tokens
            right = (logits.argmax(dim=-1) == row.labels).cpu()
            sizes = [branch.answer_tokens for branch in passage.branches]
            totals[2] += sum(bool(part.all()) for part in right.split(sizes))
            totals[3] += len(sizes)
    model.train()
    # Not every accelerator has float64.
    loss, tokens, exact, examples = accelerator.reduce(
        totals.to(accelerator.device, torch.float32), reduction="sum"
    ).tolist()
    return Validation(loss / tokens, exact / examples)
