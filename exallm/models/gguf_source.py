"""A GGUF file of the user's own."""

from __future__ import annotations

from pathlib import Path

from exallm.models.gguf_q8 import convert_to_q8
from exallm.models.source import PackageSource, Progress, write_whole
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header
from exallm_udfs.manifest import GenerationDefaults, PromptSettings

# The engine reserves its cache for a whole context, so a package asks for what passages need.
CONTEXT_LENGTH = 2048
MAX_NEW_TOKENS = 32


def gguf_source(file: Path, cache: Path, progress: Progress) -> PackageSource:
    """The package's source; what the engine would read wrongly is converted first.

    :raises ExallmError: E-EXALLM-MODEL-12 for a broken file, E-EXALLM-MODEL-25 for one whose
        weights are stored in a way that cannot be converted.
    """
    header = read_gguf_header(file)
    if any(tensor.kind == "Q4_1" for tensor in header.tensors):
        file = _converted(file, cache, progress)
    return PackageSource(
        folder=file.parent,
        files=(file.name,),
        engine_path=file.name,
        tokenizer=file.name,
        prompt=PromptSettings("{ctx}", ("\n",)),
        generation=GenerationDefaults(MAX_NEW_TOKENS),
        context_length=min(header.context_length() or CONTEXT_LENGTH, CONTEXT_LENGTH),
        licence="LicenseRef-unknown",
    )


def _converted(file: Path, cache: Path, progress: Progress) -> Path:
    progress("storing the weights with 8 bits")
    target = cache / "gguf" / f"{file.stem}.Q8_0.gguf"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_whole(target, lambda unfinished: convert_to_q8(file, unfinished))
    except ValueError as error:
        raise ExallmError(
            "E-EXALLM-MODEL-25",
            f"{file.name} cannot be converted: {error}",
            "name a GGUF with weights as Q8_0, F16 or F32",
        ) from error
    return target
