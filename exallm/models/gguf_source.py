"""A GGUF file of the user's own."""

from __future__ import annotations

from pathlib import Path

from exallm.models.source import PackageSource
from exallm_udfs.gguf_header import read_gguf_header
from exallm_udfs.manifest import GenerationDefaults, PromptSettings

# The engine reserves its cache for a whole context, so a package asks for what passages need.
CONTEXT_LENGTH = 2048
MAX_NEW_TOKENS = 32


def gguf_source(file: Path) -> PackageSource:
    """The package's source; :raises ExallmError: E-EXALLM-MODEL-12 for a broken file."""
    header = read_gguf_header(file)
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
