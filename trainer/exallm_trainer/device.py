"""The device that computes, and the number formats that it computes with."""

from __future__ import annotations

from pathlib import Path

import torch

from exallm_trainer.recipe import Precision
from exallm_udfs.errors import ExallmError

_CPU_FLAGS = Path("/proc/cpuinfo")
# A processor without one of these emulates bf16, which is slower than fp32.
_BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


def choose_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def require_device_each(device: torch.device, processes: int) -> None:
    """Refuse a launch in which processes would share an accelerator.

    :param processes: of this machine.
    :raises ExallmError: E-EXALLM-TRAIN-12.
    """
    if device.type == "cpu":
        return
    devices = torch.cuda.device_count() if device.type == "cuda" else 1
    if processes > devices:
        raise ExallmError(
            "E-EXALLM-TRAIN-12",
            f"{processes} processes were launched, and the {device.type} devices are {devices}",
            f"launch {devices} at most, or train with --cpu",
        )


def choose_precision(wanted: Precision, device: torch.device) -> str:
    """``bf16``, ``fp16`` or ``fp32`` for ``auto`` or what was wanted.

    :raises ExallmError: E-EXALLM-TRAIN-2 where the device does not compute with it.
    """
    bf16 = _computes_bf16(device)
    if wanted == "auto":
        return "bf16" if bf16 else "fp32"
    if wanted == "fp16" and device.type != "cuda":
        raise _not_there("fp16 needs the scaled gradients that are made for CUDA", device)
    if wanted == "bf16" and not bf16 and device.type != "cpu":
        raise _not_there("it does not compute with bf16", device)
    return wanted


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return bool(torch.backends.mps.is_macos_or_newer(14, 0))
    if not _CPU_FLAGS.is_file():
        return False
    flags = set(_CPU_FLAGS.read_text(encoding="utf-8", errors="replace").split())
    return any(flag in flags for flag in _BF16_FLAGS)


def _not_there(problem: str, device: torch.device) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-2",
        f"the recipe's precision cannot be had on {device.type}: {problem}",
        "set precision = 'auto' in the recipe",
    )
