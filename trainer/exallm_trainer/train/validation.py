"""What a model makes of samples that it does not train on."""

from __future__ import annotations

from typing import Any

import torch

from exallm_trainer.train.objective import Objective, Validation
from exallm_trainer.train.share import share_of


def validate(model: Any, objective: Objective, accelerator: Any) -> Validation:
    """Judge the model by the validation split, each process its share; it is left in training."""
    totals: torch.Tensor | None = None
    model.eval()
    with torch.inference_mode():
        for sample, weight in share_of(objective.validation, accelerator):
            figures = torch.tensor(objective.figures(model, sample), dtype=torch.float64) * weight
            totals = figures if totals is None else totals + figures
    model.train()
    assert totals is not None, "a validation split is not empty"
    # Not every accelerator has float64.
    sums = accelerator.reduce(totals.to(accelerator.device, torch.float32), reduction="sum")
    return objective.judged(sums.tolist())
