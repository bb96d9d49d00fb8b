"""What ``exallm model add`` can make a package of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exallm_udfs.manifest import (
    Adapter,
    ExtractionSettings,
    Figure,
    GenerationDefaults,
    PromptSettings,
    Training,
)

Progress = Callable[[str], None]
# The row's text as it is, and one line as the answer: how a model is asked without worked examples.
BARE_PROMPT = PromptSettings("{ctx}", ("\n",))


@dataclass(frozen=True)
class ModelSettings:
    """How a model is asked, whatever form its weights have: as a manifest says it.

    :param prompt: None, as ``generation``, for a model that points at its answers.
    :param context_length: tokens of prompt and answer together, or of a window.
    :param licence: of the weights, as an SPDX expression.
    :param extraction: None for a model that writes its answers.
    """

    prompt: PromptSettings | None
    generation: GenerationDefaults | None
    context_length: int
    licence: str
    extraction: ExtractionSettings | None = None


@dataclass(frozen=True)
class PackageSource:
    """Files and settings of a package that has no version yet.

    :param folder: holds the files.
    :param files: paths below the folder that belong to the package.
    :param checkpoint_path: folder that the torch engine opens, or None.
    :param added: path in the package to a file that lies elsewhere: records of a training.
    :param engine_path: what the OpenVINO engine opens: a GGUF file, or ``.`` for an IR folder.
    :param tokenizer: the file that holds the tokenizer.
    :param adapter: the LoRA adapter that was merged into the weights, or None.
    :param training: where the weights come from; None for weights taken as published.
    :param evaluation: measured figures, one mapping a measurement.
    """

    folder: Path
    files: tuple[str, ...]
    engine_path: str
    tokenizer: str
    settings: ModelSettings
    adapter: Adapter | None = None
    training: Training | None = None
    evaluation: tuple[Mapping[str, Figure], ...] = ()
    checkpoint_path: str | None = None
    added: Mapping[str, Path] = field(default_factory=dict)

    def located(self) -> dict[str, Path]:
        """Path in the package to the file that it is made from, for every file."""
        return {path: self.folder / path for path in self.files} | dict(self.added)
