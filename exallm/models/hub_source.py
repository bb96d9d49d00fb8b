"""A checkpoint of the Hugging Face Hub, or a folder that has one's form, as OpenVINO IR.

This way needs the extra ``hub`` (torch and optimum-intel) and, for a name, a network.
"""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

from exallm.models.gguf_source import CONTEXT_LENGTH, MAX_NEW_TOKENS
from exallm.models.source import BARE_PROMPT, ModelSettings, PackageSource, Progress
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import GenerationDefaults

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Weights that need no code to be read: a pickle is not even downloaded.
_WANTED = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "LICENSE*")
_IR_ENDINGS = (".bin", ".json", ".txt", ".xml")


def is_hub_name(text: str) -> bool:
    """Whether a text has the form ``owner/name``."""
    return _NAME.fullmatch(text) is not None


def hub_source(name: str, cache: Path, progress: Progress) -> PackageSource:
    """The package's source for ``owner/name``; the converted model is kept in ``cache``.

    :raises ExallmError: E-EXALLM-MODEL-23 without the extra, E-EXALLM-MODEL-24 where the Hub does
        not give the checkpoint, E-EXALLM-MODEL-25 for one that cannot be converted.
    """
    folder = cache / name.replace("/", "--")
    if not (folder / "source.json").is_file():
        progress(f"downloading {name} from the Hub")
        checkpoint = _download(name)
        _convert(checkpoint, folder, _licence(name), progress)
    return _read(folder)


def folder_source(checkpoint: Path, cache: Path, progress: Progress) -> PackageSource:
    """The package's source for a checkpoint in a local folder, converted anew each time."""
    if not list(checkpoint.glob("*.safetensors")):
        raise _not_convertible(str(checkpoint), "it holds no safetensors file")
    folder = cache / f"folder--{checkpoint.resolve().name}"
    _convert(checkpoint, folder, "LicenseRef-unknown", progress)
    return _read(folder)


def _download(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise _extra_missing() from error
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
    """Write int8 IR of model and tokenizer; the folder appears whole or not at all."""
    try:
        from optimum.exporters.openvino import main_export
        from optimum.intel import OVConfig
        from transformers.utils import logging

        import_module("nncf")
    except ImportError as error:
        raise _extra_missing() from error
    progress("converting the checkpoint to OpenVINO IR, 8 bits a weight")
    folder.parent.mkdir(parents=True, exist_ok=True)
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns by the page of what is expected of it
        try:
            main_export(
                str(checkpoint),
                output=scratch,
                task="text-generation-with-past",
                trust_remote_code=False,
                convert_tokenizer=True,
                ov_config=OVConfig(quantization_config=None),
            )
            _compress(Path(scratch))
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            raise _not_convertible(str(checkpoint), str(error).splitlines()[0]) from error
        described = {"licence": licence, "context_length": _context_length(checkpoint)}
        Path(scratch, "source.json").write_text(json.dumps(described))
        if folder.exists():
            _remove(folder)
        Path(scratch).rename(folder)
        Path(scratch).mkdir()  # the context manager removes what it made


def _compress(folder: Path) -> None:
    """Store the weights with 8 bits; the export leaves those of small models as they are."""
    import openvino

    nncf = import_module("nncf")
    file = folder / "openvino_model.xml"
    compressed = folder / "compressed.xml"
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file that was read is replaced
    model = nncf.compress_weights(core.read_model(file), mode=nncf.CompressWeightsMode.INT8_ASYM)
    openvino.save_model(model, compressed, compress_to_fp16=False)
    compressed.replace(file)
    compressed.with_suffix(".bin").replace(file.with_suffix(".bin"))


def _context_length(checkpoint: Path) -> int:
    config = json.loads((checkpoint / "config.json").read_text())
    length = config.get("max_position_embeddings") or config.get("n_positions") or CONTEXT_LENGTH
    return min(int(length), CONTEXT_LENGTH)


def _read(folder: Path) -> PackageSource:
    described = json.loads((folder / "source.json").read_text())
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix in _IR_ENDINGS and path.name != "source.json"
    )
    return PackageSource(
        folder=folder,
        files=tuple(names),
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


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _extra_missing() -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-23",
        "converting a checkpoint needs packages that are not installed",
        "pip install 'exallm[hub]'",
    )


def _not_convertible(name: str, reason: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-25",
        f"{name} cannot be converted: {reason}",
        "name a text generation checkpoint with safetensors weights, or a GGUF file",
    )
