"""Checkpoints of a run: all that is needed to go on to the same end, to the bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from exallm_trainer.run_folder import disk_refused
from exallm_trainer.train.sharded import sharded_as, whole
from exallm_udfs.errors import ExallmError

_WEIGHTS = "weights.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"
_KEPT = 2


@dataclass
class Position:
    """Where a run stands. All of it goes into a checkpoint.

    :param step: steps done.
    :param best: score of the best validation so far, None before the first.
    :param best_step: its step; what it is judged by follows it.
    :param looks_since_best: validations since then.
    :param seconds: of training, over all processes of the run.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    best_loss: float | None = None
    best_exact: float | None = None
    best_bits_per_byte: float | None = None
    looks_since_best: int = 0
    seconds: float = 0.0
    first_loss: float = 0.0
    recent_loss: float = 0.0


def save_checkpoint(
    folder: Path, position: Position, model: Any, optimizer: torch.optim.Optimizer, write: bool
) -> None:
    """Write ``folder/step-N``; it appears whole or not at all, and older ones go afterwards.

    :param write: whether this process writes; all of a run have to call, since sharded tensors are
        gathered by all of them together.
    :raises ExallmError: E-EXALLM-TRAIN-6 where the disk refuses; earlier checkpoints stay.
    """
    weights, state = trained_weights(model), _optimizer_state(model, optimizer)
    if not write:
        return
    target = folder / f"step-{position.step:08d}"
    scratch = folder / f".{target.name}"
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        save_file(weights, scratch / _WEIGHTS)
        save_file(state, scratch / _OPTIMIZER)
        (scratch / _STATE).write_text(json.dumps(asdict(position)), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise disk_refused(target, error) from error
    for old in _checkpoints(folder)[:-_KEPT]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, model: Any, optimizer: torch.optim.Optimizer) -> Position | None:
    """Put the latest checkpoint's state into model and optimizer.

    :returns: where the run stood, or None where there is no checkpoint.
    :raises ExallmError: E-EXALLM-TRAIN-7 where it is of another model.
    """
    found = _checkpoints(folder)
    if not found:
        return None
    latest = found[-1]
    weights = load_file(latest / _WEIGHTS)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if shapes != {name: tuple(parameter.shape) for name, parameter in trained.items()}:
        raise ExallmError(
            "E-EXALLM-TRAIN-7",
            f"the checkpoint {latest} is of another architecture or adapter",
            "name another run folder, or train with the recipe and base of this one",
        )
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(sharded_as(parameter, weights[name]))
    _load_optimizer(latest / _OPTIMIZER, trained, optimizer)
    return Position(**json.loads((latest / _STATE).read_text(encoding="utf-8")))


def trained_weights(model: Any) -> dict[str, torch.Tensor]:
    """Name to whole tensor of what is trained; of tied weights the first name."""
    return {
        name: whole(parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _optimizer_state(model: Any, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{name}/{key}": whole(value)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
        for key, value in optimizer.state[parameter].items()
    }


def _load_optimizer(
    file: Path, trained: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer
) -> None:
    """The optimizer has one group, whose parameters are those of ``trained`` in order."""
    states: dict[str, dict[str, torch.Tensor]] = {}
    for entry, tensor in load_file(file).items():
        name, _, key = entry.rpartition("/")
        states.setdefault(name, {})[key] = sharded_as(trained[name], tensor)
    groups = optimizer.state_dict()["param_groups"]
    by_number = {number: states[name] for number, name in enumerate(trained) if name in states}
    optimizer.load_state_dict({"state": by_number, "param_groups": groups})


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))
