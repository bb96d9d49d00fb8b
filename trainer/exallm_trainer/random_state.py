"""The state of every random number generator that training draws from."""

from __future__ import annotations

import torch


def seed_everything(seed: int) -> None:
    """Seed the generators of the CPU and of every accelerator that is there."""
    torch.manual_seed(seed)


def capture() -> dict[str, torch.Tensor]:
    """Generator to its state, shape (bytes)."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        for number, state in enumerate(torch.cuda.get_rng_state_all()):
            states[f"cuda.{number}"] = state
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def restore(states: dict[str, torch.Tensor]) -> None:
    """Set the generators as :func:`capture` saw them; one that is not here is passed over."""
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            if f"cuda.{number}" in states:
                torch.cuda.set_rng_state(states[f"cuda.{number}"], number)
    if torch.backends.mps.is_available() and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
