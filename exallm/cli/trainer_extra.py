"""The trainer, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from exallm_udfs.errors import ExallmError

_NEEDED = ("torch", "transformers", "peft", "accelerate", "datasets", "sacrebleu", "rouge_score")


def require_trainer(*more: str) -> None:
    """Refuse to go on without what the trainer computes with.

    :param more: modules that a command needs beside those that all need.
    :raises ExallmError: E-EXALLM-TRAIN-10.
    """
    missing = [name for name in (*_NEEDED, *more) if find_spec(name) is None]
    if missing:
        raise ExallmError(
            "E-EXALLM-TRAIN-10",
            f"the trainer's packages are not installed: {', '.join(missing)}",
            "pip install 'exallm[trainer]'",
        )
