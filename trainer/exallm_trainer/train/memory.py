"""What training will need of the memory, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import torch

from exallm_udfs.errors import ExallmError

_GIBIBYTE = 1 << 30
# Values that a layer keeps for the way back, in units of its width; 34 are counted by Korthikanti
# et al. (2022) for a transformer layer in 16 bits, attention's own matrix apart.
_KEPT_BYTES_A_TOKEN = 34


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a training step needs beside the weights, by what they are for."""

    gradients: int
    optimizer: int
    activations: int


def estimate_memory(model: Any, longest_row: int) -> MemoryEstimate:
    """Of a training step over a row of ``longest_row`` tokens with AdamW."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    config = model.config
    kept = longest_row * config.hidden_size * _KEPT_BYTES_A_TOKEN
    attention = longest_row * longest_row * config.num_attention_heads * 2
    return MemoryEstimate(
        gradients=4 * trained,
        optimizer=8 * trained,
        activations=config.num_hidden_layers * (kept + attention),
    )


def require_memory(estimate: MemoryEstimate, device: torch.device) -> None:
    """Refuse a run that would not fit beside its weights, which are in memory already.

    :raises ExallmError: E-EXALLM-TRAIN-4 with what is needed and what there is.
    """
    needed = estimate.gradients + estimate.optimizer + estimate.activations
    free = _free(device)
    if needed > free:
        raise ExallmError(
            "E-EXALLM-TRAIN-4",
            f"training needs about {needed / _GIBIBYTE:.1f} GiB more memory, and"
            f" {free / _GIBIBYTE:.1f} GiB are free",
            "set a lower row_tokens or max_tokens in the recipe, or take a smaller base",
        )


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    # Apple's devices share the machine's memory.
    return int(psutil.virtual_memory().available)
