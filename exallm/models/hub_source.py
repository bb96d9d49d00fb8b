"""A checkpoint of the Hugging Face Hub, or a folder that has one's form, as OpenVINO IR.

This way needs the extra ``hub`` (torch and optimum-intel) and, for a name, a network.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from exallm.models.checkpoint_ir import (
    TEXT_GENERATION,
    extra_missing,
    ir_files,
    not_convertible,
    write_checkpoint_ir,
)
from exallm.models.gguf_source import CONTEXT_LENGTH, MAX_NEW_TOKENS
from exallm.models.source import BARE_PROMPT, ModelSettings, PackageSource, Progress
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import GenerationDefaults

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Weights that need no code to be read: a pickle is not even downloaded.
_WANTED = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "LICENSE*")
_DESCRIPTION = "source.json"


def is_hub_name(text: str) -> bool:
    """Whether a text has the form ``owner/name``."""
    return _NAME.fullmatch(text) is not None


def hub_source(name: str, cache: Path, progress: Progress) -> PackageSource:
    """The package's source for ``owner/name``; the converted model is kept in ``cache``.

    :raises ExallmError: E-EXALLM-MODEL-23 without the extra, E-EXALLM-MODEL-24 where the Hub does
        not give the checkpoint, E-EXALLM-MODEL-25 for one that cannot be converted.
    """
    folder = cache / name.replace("/", "--")
    if not (folder / _DESCRIPTION).is_file():
        progress(f"downloading {name} from the Hub")
        checkpoint = _download(name)
        _convert(checkpoint, folder, _licence(name), progress)
    return _read(folder)


def folder_source(checkpoint: Path, cache: Path, progress: Progress) -> PackageSource:
    """The package's source for a checkpoint in a local folder, converted anew each time."""
    if not list(checkpoint.glob("*.safetensors")):
        raise not_convertible(str(checkpoint), "it holds no safetensors file", TEXT_GENERATION)
    folder = cache / f"folder--{checkpoint.resolve().name}"
    _convert(checkpoint, folder, "LicenseRef-unknown", progress)
    return _read(folder)


def _download(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise extra_missing() from error
    import httpx

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        raise ExallmError(
            "E-EXALLM-MODEL-24",
            f"the Hub does not give {name}: {type(error).__name__}",
            "check the name, the network and, for a closed model, HF_TOKEN",
        ) from error


def _licence(name: str) -> str:
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        card = HfApi().model_info(name).card_data
    except (HfHubHTTPError, httpx.HTTPError, OSError):
        return "LicenseRef-unknown"  # the weights are here; only their licence was not to be had
    licence = card.get("license") if card is not None else None
    return str(licence) if licence else "LicenseRef-unknown"


def _convert(checkpoint: Path, folder: Path, licence: str, progress: Progress) -> None:
    """Write the IR, and beside it what a package has to say; that stands there last."""
    write_checkpoint_ir(checkpoint, folder, TEXT_GENERATION, progress)
    described = {"licence": licence, "context_length": _context_length(checkpoint)}
    (folder / _DESCRIPTION).write_text(json.dumps(described))


def _context_length(checkpoint: Path) -> int:
    config = json.loads((checkpoint / "config.json").read_text())
    length = config.get("max_position_embeddings") or config.get("n_positions") or CONTEXT_LENGTH
    return min(int(length), CONTEXT_LENGTH)


def _read(folder: Path) -> PackageSource:
    described = json.loads((folder / _DESCRIPTION).read_text())
    return PackageSource(
        folder=folder,
        files=tuple(name for name in ir_files(folder) if name != _DESCRIPTION),
        engine_path=".",
        tokenizer="openvino_tokenizer.xml",
        settings=ModelSettings(
            prompt=BARE_PROMPT,
            # A small context is not all for the answer.
            generation=GenerationDefaults(min(MAX_NEW_TOKENS, described["context_length"] // 2)),
            context_length=described["context_length"],
            licence=described["licence"],
        ),
    )
