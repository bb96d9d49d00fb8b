"""Which engine computes a package's model here."""

from __future__ import annotations

from pathlib import Path

from exallm_udfs.engines.engine import Engine
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.engines.torch import TorchEngine, TorchSettings, cuda_is_there
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest


def engine_name(manifest: Manifest, package: str, wanted: str | None = None) -> str:
    """``torch`` where the package has it and the process sees a GPU, else ``openvino`` first.

    :param package: for the error, as ``qa@v3``.
    :param wanted: the engine that a caller asks for; E-EXALLM-MODEL-14 where the package has no
        files for it.
    """
    if wanted is not None:
        if wanted not in manifest.engines:
            raise ExallmError(
                "E-EXALLM-MODEL-14",
                f"{package} has no files for the engine {wanted}",
                f"ask for {' or '.join(sorted(manifest.engines))}, or build the package for it",
            )
        return wanted
    if "torch" in manifest.engines and ("openvino" not in manifest.engines or cuda_is_there()):
        return "torch"
    return "openvino"


def open_engine(
    manifest: Manifest, folder: Path, name: str, threads: int | None
) -> Engine | SpanReader:
    """The engine on the package in ``folder``; raises as the engines do."""
    path = folder / manifest.engines[name].path
    if manifest.extraction is not None:
        tokenizer = folder / manifest.tokenizer
        return SpanReader(path, tokenizer, manifest.context_length, manifest.extraction, threads)
    if name == "torch":
        return TorchEngine(path, TorchSettings(manifest.context_length, threads))
    return OpenVinoEngine(path, OpenVinoSettings(manifest.context_length, threads))
