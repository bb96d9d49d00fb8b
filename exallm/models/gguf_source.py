"""A GGUF file of the user's own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from exallm.models.gguf_q8 import convert_to_q8, needs_q8
from exallm.models.openvino_ir import IR_FILES, write_openvino_ir
from exallm.models.source import BARE_PROMPT, ModelSettings, PackageSource, Progress
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header
from exallm_udfs.manifest import GenerationDefaults
from exallm_udfs.package import file_sha256

# The engine reserves its cache for a whole context, so a package asks for what passages need.
CONTEXT_LENGTH = 2048
MAX_NEW_TOKENS = 32


def gguf_source(file: Path, cache: Path, progress: Progress) -> PackageSource:
    """The package's source: OpenVINO IR of the file, made once and kept in ``cache``.

    :raises ExallmError: E-EXALLM-MODEL-12 for a broken file, E-EXALLM-MODEL-23 where OpenVINO
        GenAI is not installed, E-EXALLM-MODEL-25 for a file whose weights are stored in a way that
        cannot be converted, or of an architecture that the engine does not read.
    """
    settings = gguf_settings(file)
    folder = cache / "gguf" / file_sha256(file)
    if not folder.is_dir():
        progress("converting the model to OpenVINO IR, 8 bits a weight")
        _convert(file, folder)
    return PackageSource(
        folder=folder,
        files=IR_FILES,
        engine_path=".",
        tokenizer="openvino_tokenizer.xml",
        settings=settings,
    )


def gguf_settings(file: Path) -> ModelSettings:
    """A row's text as the prompt, one line as the answer.

    :raises ExallmError: E-EXALLM-MODEL-12 for a broken file.
    """
    header = read_gguf_header(file)
    return ModelSettings(
        prompt=BARE_PROMPT,
        generation=GenerationDefaults(MAX_NEW_TOKENS),
        context_length=min(header.context_length() or CONTEXT_LENGTH, CONTEXT_LENGTH),
        licence="LicenseRef-unknown",
    )


def _convert(file: Path, folder: Path) -> None:
    if not needs_q8(file):
        write_openvino_ir(file, folder)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        exact = Path(scratch, file.name)
        try:
            convert_to_q8(file, exact)
        except ValueError as error:
            raise ExallmError(
                "E-EXALLM-MODEL-25",
                f"{file.name} cannot be converted: {error}",
                "name a GGUF with weights as Q8_0, F16 or F32",
            ) from error
        write_openvino_ir(exact, folder)
