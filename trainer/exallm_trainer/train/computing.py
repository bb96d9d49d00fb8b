"""The number formats that a model computes with in a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

_FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def casts_left_to_autocast(model: Any, precision: str) -> AbstractContextManager[None]:
    """PEFT would cast a layer's input up to the factors' float32, and autocast down again."""
    if precision == "fp32":
        return nullcontext()
    from peft.helpers import disable_input_dtype_casting

    context: AbstractContextManager[None] = disable_input_dtype_casting(model)
    return context


@contextmanager
def as_computed(model: Any, device: torch.device, precision: str) -> Iterator[None]:
    """Compute in the block as a run of that precision does, before accelerate has the model."""
    if precision == "fp32":
        yield
        return
    with (
        casts_left_to_autocast(model, precision),
        torch.autocast(device.type, dtype=_FORMATS[precision]),
    ):
        yield
