"""A trained encoder with a head for spans, as a package's source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exallm.models.checkpoint_ir import QUESTION_ANSWERING, write_checkpoint_ir
from exallm.models.source import ModelSettings, PackageSource, Progress
from exallm_udfs.manifest import ExtractionSettings
from exallm_udfs.package import file_sha256

_TOKENIZER = "tokenizer.json"
_FILES = ("openvino_model.bin", "openvino_model.xml", _TOKENIZER)


def span_source(
    checkpoint: Path, settings: Mapping[str, int], licence: str, cache: Path, progress: Progress
) -> PackageSource:
    """The package's source: OpenVINO IR of the checkpoint, made once and kept in ``cache``.

    :param checkpoint: folder with ``model.safetensors``.
    :param settings: the section ``span`` of the recipe that it was trained by.
    :param licence: of the base's weights, as an SPDX expression.
    :raises ExallmError: as ``write_checkpoint_ir``.
    """
    folder = cache / "span" / file_sha256(checkpoint / "model.safetensors")
    if not folder.is_dir():
        write_checkpoint_ir(checkpoint, folder, QUESTION_ANSWERING, progress)
    return PackageSource(
        folder=folder,
        files=_FILES,
        engine_path=".",
        tokenizer=_TOKENIZER,
        settings=ModelSettings(
            prompt=None,
            generation=None,
            context_length=settings["window_tokens"],
            licence=licence,
            extraction=ExtractionSettings(
                settings["overlap_tokens"], settings["max_answer_tokens"]
            ),
        ),
    )
