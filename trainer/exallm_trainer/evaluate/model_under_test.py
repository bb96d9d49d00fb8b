"""The model that is evaluated, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForQuestionAnswering

from exallm_trainer.device import choose_device, choose_precision
from exallm_trainer.evaluate.model_place import CONFIG_FILE, ModelPlace, cannot_evaluate
from exallm_trainer.run_folder import ADAPTER_FILE
from exallm_trainer.train.base_model import BaseModel, add_adapter, load_base
from exallm_udfs.package import file_sha256

_STEP_FILE = "weights.safetensors"
# Ends of the names of classes of transformers whose head is part of the checkpoint.
_WRITING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_POINTING = ("ForQuestionAnswering",)


@dataclass(frozen=True)
class ModelUnderTest:
    """A loaded model in evaluation mode, on its device.

    :param sha256: of the weights: of the adapter where there is one.
    :param base_sha256: of what the adapter was put on, None without an adapter.
    :param precision: ``bf16`` or ``fp32``, as training chooses it.
    """

    model: Any
    tokenizer: Any
    sha256: str
    base_sha256: str | None
    device: torch.device
    precision: str


def load_model(place: ModelPlace, base: str | None, cpu: bool = False) -> ModelUnderTest:
    """Load what stands at a place.

    :param base: the GGUF file, checkpoint folder or ``owner/name`` that an adapter is put on; None
        for what the place names.
    :param cpu: compute on the CPU even where there is an accelerator.
    :raises ExallmError: E-EXALLM-TRAIN-3 where a base cannot be read or is another one than the
        adapter was trained on, E-EXALLM-TRAIN-25 where the place does not hold a whole model.
    """
    device = torch.device("cpu") if cpu else choose_device()
    precision = choose_precision("auto", device)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    base_sha256 = None
    if place.kind == "model":
        loaded = load_base(place.weights, dtype, model_class=_class_of(place))
        _require_own_head(place, loaded)
    elif place.kind == "adapter":
        loaded, base_sha256 = _with_adapter(place, base or str(place.base), dtype)
    else:
        loaded, base_sha256 = _at_step(place, base or str(place.base), dtype)
    loaded.model.eval().to(device)
    return ModelUnderTest(
        loaded.model, loaded.tokenizer, loaded.sha256, base_sha256, device, precision
    )


def _class_of(place: ModelPlace) -> Any:
    return AutoModelForCausalLM if place.span() is None else AutoModelForQuestionAnswering


def _require_own_head(place: ModelPlace, loaded: BaseModel) -> None:
    """A head that the checkpoint lacks has begun at random, and answers nothing."""
    if Path(place.weights).is_file():  # a GGUF, which holds a whole model that writes
        return
    heads = _WRITING if place.span() is None else _POINTING
    found = loaded.model.config.architectures or ["no architecture"]
    if not found[0].endswith(heads):
        problem = f"its {CONFIG_FILE} names {found[0]}, which neither writes nor points at answers"
        raise cannot_evaluate(place.name, problem)


def _with_adapter(place: ModelPlace, base: str, dtype: torch.dtype) -> tuple[BaseModel, str]:
    """The base with the adapter beside its weights, unmerged: as it was trained."""
    from peft import PeftModel

    folder = Path(place.weights)
    file = folder / ADAPTER_FILE
    if not file.is_file():
        raise cannot_evaluate(place.name, f"it has no {ADAPTER_FILE}, and no other is opened")
    loaded = load_base(base, dtype, place.record.get("base_sha256") or None)
    try:
        model = PeftModel.from_pretrained(loaded.model, folder)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        problem = (str(error) or type(error).__name__).splitlines()[0]
        raise cannot_evaluate(place.name, problem) from error
    return BaseModel(model, loaded.tokenizer, file_sha256(file)), loaded.sha256


def _at_step(place: ModelPlace, base: str, dtype: torch.dtype) -> tuple[BaseModel, str]:
    """The base with the trained weights of a checkpoint that a run continues from."""
    recipe = place.recipe()
    assert recipe is not None, "a step is of a run"
    digest = place.record.get("base_sha256") or None
    loaded = load_base(base, dtype, digest, model_class=_class_of(place))
    model = loaded.model if recipe.lora is None else add_adapter(loaded.model, recipe.lora)
    file = Path(place.weights, _STEP_FILE)
    weights = load_file(file)
    trained: Mapping[str, Any] = dict(model.named_parameters())
    shapes = {name: tuple(trained[name].shape) for name in weights if name in trained}
    if shapes != {name: tuple(tensor.shape) for name, tensor in weights.items()}:
        raise cannot_evaluate(place.name, "it is of another architecture than the base")
    with torch.no_grad():
        for name, tensor in weights.items():
            trained[name].copy_(tensor)
    return BaseModel(model, loaded.tokenizer, file_sha256(file)), loaded.sha256
