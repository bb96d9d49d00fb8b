"""FSDP on CPUs, for proofs: accelerate itself shards on accelerators only."""

from __future__ import annotations

import os

from accelerate import PartialState
from accelerate.utils import DistributedType


def allow_sharding_on_cpu() -> None:
    """Let accelerate take the CPUs of this launch for accelerators, where FSDP is asked for."""
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        PartialState(cpu=True).distributed_type = DistributedType.MULTI_GPU
