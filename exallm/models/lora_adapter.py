"""A LoRA adapter as PEFT saves it: what it adds to which weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exallm.models.safetensors_file import read_safetensors
from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object

if TYPE_CHECKING:
    import numpy

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")

_KEY = re.compile(r"base_model\.model\.(model\.layers\.\d+\.[\w.]+)\.lora_([AB])\.weight")
# Each would change the sum that a merge has to make; none is silently left out.
_REFUSED = {
    "use_dora": False,
    "fan_in_fan_out": False,
    "lora_bias": False,
    "bias": "none",
    "modules_to_save": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "layer_replication": None,
    "trainable_token_indices": None,
}


@dataclass(frozen=True)
class LoraPair:
    """What is added to one weight of shape (outputs, inputs): ``scale * up @ down``.

    :param down: shape (rank, inputs), ``lora_A``.
    :param up: shape (outputs, rank), ``lora_B``.
    """

    down: numpy.ndarray
    up: numpy.ndarray


@dataclass(frozen=True)
class LoraAdapter:
    """All of an adapter.

    :param scale: ``lora_alpha / r``, or ``lora_alpha / sqrt(r)`` for rank-stabilised LoRA.
    :param pairs: module of the base model, as ``model.layers.0.self_attn.q_proj``, to what is
        added to its weight.
    """

    scale: float
    pairs: Mapping[str, LoraPair]


def read_lora_adapter(folder: Path) -> LoraAdapter:
    """Read ``adapter_config.json`` and ``adapter_model.safetensors``.

    :raises ExallmError: E-EXALLM-MODEL-29 where one is missing or broken, or where the adapter does
        more than add products to weights of layers.
    """
    try:
        config = parse_object((folder / ADAPTER_FILES[0]).read_text(encoding="utf-8"))
        scale, rank = _scale(Fields(config, "the adapter's configuration"))
        tensors = read_safetensors(folder / ADAPTER_FILES[1])
        return LoraAdapter(scale, _pairs(tensors, rank))
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise cannot_merge(f"the adapter in {folder.name}: {problem}") from error


def cannot_merge(problem: str) -> ExallmError:
    """The error for an adapter that does not fit."""
    return ExallmError(
        "E-EXALLM-MODEL-29",
        f"the adapter cannot be merged: {problem}",
        "save a plain LoRA adapter of linear layers with PEFT, trained on this base model",
    )


def _scale(config: Fields) -> tuple[float, int]:
    if config.take("peft_type") != "LORA":
        raise ValueError(f"it is of type {config.take('peft_type')!r}, not LORA")
    for key, plain in _REFUSED.items():
        value: Any = config.take(key) if key in config else plain
        if value not in (plain, None):
            raise ValueError(f"{key!r} is {json.dumps(value)[:60]}, which is not merged")
    rank = config.take_integer("r", 1, 65_536)
    alpha = config.take_number("lora_alpha", 1e-6, 1e6)
    stabilised = "use_rslora" in config and config.take_boolean("use_rslora")
    return alpha / (sqrt(rank) if stabilised else rank), rank


def _pairs(tensors: Mapping[str, numpy.ndarray], rank: int) -> dict[str, LoraPair]:
    halves: dict[str, dict[str, numpy.ndarray]] = {}
    for key, values in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise ValueError(f"its tensor {key!r} is not a product for a layer's weight")
        halves.setdefault(match[1], {})[match[2]] = values
    if not halves:
        raise ValueError("it has no tensors")
    pairs = {}
    for module, half in halves.items():
        if set(half) != {"A", "B"}:
            raise ValueError(f"{module} has only one of lora_A and lora_B")
        down, up = half["A"], half["B"]
        if down.ndim != 2 or up.ndim != 2 or down.shape[0] != rank or up.shape[1] != rank:
            raise ValueError(f"{module} has shapes {up.shape} and {down.shape} for rank {rank}")
        pairs[module] = LoraPair(down, up)
    return pairs
