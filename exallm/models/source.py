"""What ``exallm model add`` can make a package of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.manifest import Adapter, GenerationDefaults, PromptSettings

Progress = Callable[[str], None]


@dataclass(frozen=True)
class PackageSource:
    """Files and settings of a package that has no version yet.

    :param folder: holds the files.
    :param files: paths below the folder that belong to the package.
    :param engine_path: what the OpenVINO engine opens: a GGUF file, or ``.`` for an IR folder.
    :param tokenizer: the file that holds the tokenizer.
    :param context_length: tokens of prompt and answer together.
    :param licence: of the weights, as an SPDX expression.
    :param adapter: the LoRA adapter that was merged into the weights, or None.
    """

    folder: Path
    files: tuple[str, ...]
    engine_path: str
    tokenizer: str
    prompt: PromptSettings
    generation: GenerationDefaults
    context_length: int
    licence: str
    adapter: Adapter | None = None
