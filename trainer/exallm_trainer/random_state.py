"""The random number generators that training draws from, on the CPU and on every accelerator."""

from __future__ import annotations

import hashlib

import torch


def seed_everything(seed: int) -> None:
    """Seed the generators for what a run begins with: the same in all of its processes."""
    torch.manual_seed(seed)


def seed_step(seed: int, step: int, process: int) -> None:
    """Seed the generators for a step: what it draws depends on nothing that came before.

    So a run that goes on draws what it would have drawn, in every process, each of its own.
    """
    digest = hashlib.sha256(f"{seed} {step} {process}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8]))
