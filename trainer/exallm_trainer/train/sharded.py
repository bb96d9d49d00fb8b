"""Tensors of which every process holds a shard, as FSDP makes them, and as files hold them."""

from __future__ import annotations

import torch
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as one piece; all processes have to ask together where it is sharded."""
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.contiguous()


def sharded_as(parameter: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """A whole tensor as this process holds it beside ``parameter``.

    What has another shape than the parameter, as an optimizer's count of steps, is not sharded.
    """
    if not isinstance(parameter, DTensor) or tensor.shape != parameter.shape:
        return tensor
    mesh = parameter.device_mesh
    return distribute_tensor(tensor.to(mesh.device_type), mesh, parameter.placements)
