"""What a run is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exallm_trainer.data.prepared import Prepared
from exallm_trainer.recipe import Recipe
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on what, and for how long.

    :param base: a GGUF file, a checkpoint folder or ``owner/name`` of the Hub.
    :param adapter: folder of an adapter that the run begins from, None for a new one.
    :param data: prepared; the validation split chooses the checkpoint.
    :param tokens: folder that keeps the examples' tokens for the next run, None to keep none.
    :param max_minutes: training stops cleanly after so many minutes; the same request continues.
    :param tracker: ``tensorboard`` or ``trackio``, which then get every figure, too.
    :param cpu: compute on the CPU even where there is an accelerator.
    """

    recipe: Recipe
    base: str
    data: Prepared
    adapter: Path | None = None
    tokens: Path | None = None
    max_minutes: float | None = None
    tracker: str | None = None
    cpu: bool = False

    def __post_init__(self) -> None:
        if self.adapter is not None and self.recipe.lora is None:
            raise ExallmError(
                "E-EXALLM-TRAIN-1",
                "a recipe that trains all weights cannot begin from an adapter",
                "take the recipe lora, or leave the adapter out",
            )

    def adapter_sha256(self) -> str:
        """Of the adapter's weights; empty where the run begins without one."""
        if self.adapter is None:
            return ""
        return file_sha256(self.adapter / "adapter_model.safetensors")
