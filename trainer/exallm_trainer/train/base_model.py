"""The model that a recipe starts from, and the adapter that it may get."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.utils import cached_file, logging

from exallm_trainer.recipe import LoraSettings
from exallm_trainer.run_folder import ADAPTER_FILE
from exallm_trainer.tokenizer.load import load_tokenizer
from exallm_trainer.train.request import unusable_adapter
from exallm_udfs.errors import ExallmError

_CHUNK = 1 << 22


@dataclass(frozen=True)
class BaseModel:
    """A model and its tokenizer.

    :param model: a model of transformers.
    :param sha256: of the GGUF, or of the checkpoint's weights file by file; empty for new ones.
    :param commit: of the Hub that it was loaded from; empty for files of this machine.
    """

    model: Any
    tokenizer: Any
    sha256: str
    commit: str = ""


def load_base(
    base: str,
    dtype: torch.dtype,
    expected_sha256: str | None = None,
    attention: str | None = None,
    model_class: Any = AutoModelForCausalLM,
) -> BaseModel:
    """Load a GGUF file (dequantised), a checkpoint folder, or ``owner/name`` of the Hub.

    Only safetensors and GGUF are read: a pickle may run code.

    :param expected_sha256: what its weights have to have, None where that is not known.
    :param attention: how transformers computes attention, None for its own choice.
    :param model_class: what reads the model; a head that the base lacks begins at random.

    :raises ExallmError: E-EXALLM-TRAIN-3 where it cannot be read or is another file than expected;
        E-EXALLM-TRAIN-53 where it has no tokenizer.
    """
    path = Path(base)
    if not path.exists() and "/" not in base:
        raise unreadable(base, "no such file or folder is here; --base names that of an adapter")
    if path.is_dir() and not _weights(path):
        raise unreadable(base, "it holds no safetensors file, and others are not opened")
    commit = ""
    if path.exists():
        digest = _checked_sha256(base, path, expected_sha256)
        model = _opened(base, dtype, attention, model_class)
    else:
        model = _opened(base, dtype, attention, model_class)
        commit = model.config._commit_hash
        digest = _checked_sha256(base, _kept_by_transformers(base, commit), expected_sha256)
    return BaseModel(model, load_tokenizer(base), digest, commit)


def _opened(base: str, dtype: torch.dtype, attention: str | None, model_class: Any) -> Any:
    logging.disable_progress_bar()  # progress is told by whoever asked for the model
    path = Path(base)
    folder, file = (path.parent, path.name) if path.suffix == ".gguf" else (base, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = model_class.from_pretrained(
                folder,
                gguf_file=file,
                dtype=dtype,
                use_safetensors=None if file else True,
                trust_remote_code=False,
                attn_implementation=attention,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise unreadable(base, (str(error) or type(error).__name__).splitlines()[0]) from error
    # Dequantised weights are plain ones; with this entry they could not be saved.
    if file is not None and getattr(model.config, "quantization_config", None) is not None:
        del model.config.quantization_config
    return model


def add_adapter(model: Any, settings: LoraSettings, start: Path | None = None) -> Any:
    """The model with an adapter on every linear layer, by PEFT; all else is frozen.

    The adapter's factors are float32, whatever the base is: small steps are lost in bf16.

    :param start: folder of an adapter with the same settings to begin from, None for a new one.
    :raises ExallmError: E-EXALLM-TRAIN-3 where that is another kind of adapter, or that of a model
        of another architecture.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config, autocast_adapter_dtype=True)
    if start is not None:
        _require_same_settings(start, settings)
        _begin_from(adapted, start)
    return adapted


def _begin_from(adapted: Any, start: Path) -> None:
    from peft import set_peft_model_state_dict

    try:
        loaded = set_peft_model_state_dict(adapted, load_file(start / ADAPTER_FILE))
    except RuntimeError as error:  # a factor is of another shape
        raise unusable_adapter(start, "it belongs to another base model") from error
    if loaded.unexpected_keys:
        problem = f"it belongs to another base model: {loaded.unexpected_keys[0]} is new"
        raise unusable_adapter(start, problem)


def _require_same_settings(start: Path, settings: LoraSettings) -> None:
    """A factor of another rank does not fit; one of another scale would fit and be wrong."""
    try:
        stored = json.loads((start / "adapter_config.json").read_text(encoding="utf-8"))
        found = stored["r"], stored["lora_alpha"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unusable_adapter(start, "it holds no adapter") from error
    if found != (settings.rank, settings.alpha):
        raise unusable_adapter(start, f"its rank and alpha are {found}, not those of the recipe")


def _weights(path: Path) -> list[Path]:
    """The files that transformers loads."""
    return [path] if path.is_file() else sorted(path.glob("model*.safetensors"))


def _kept_by_transformers(name: str, commit: str) -> Path:
    """The folder with what was loaded from the Hub."""
    return Path(cached_file(name, "config.json", revision=commit)).parent


def _checked_sha256(base: str, path: Path, expected: str | None) -> str:
    """Of one file its own; of several, of their names and contents in order."""
    files, digest = _weights(path), hashlib.sha256()
    for file in files:
        if len(files) > 1:
            digest.update(file.name.encode())
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    if expected not in (None, digest.hexdigest()):
        raise unreadable(base, f"it has another sha256 than {expected}")
    return digest.hexdigest()


def unreadable(base: str, problem: str) -> ExallmError:
    """The error for a base model that cannot be used."""
    return ExallmError(
        "E-EXALLM-TRAIN-3",
        f"the base model {base} cannot be used: {problem}",
        "name a GGUF file, a folder with safetensors, or owner/name of the Hub",
    )
