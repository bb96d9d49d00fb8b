"""A run of the trainer, or the project's own, as a package."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from exallm.models import minilm_source, smollm2
from exallm.models.gguf_source import gguf_settings
from exallm.models.hub_source import folder_source
from exallm.models.lora_source import lora_source
from exallm.models.smollm2_source import SMOLLM2_SETTINGS, smollm2_file
from exallm.models.source import BARE_PROMPT, ModelSettings, PackageSource, Progress
from exallm.models.span_source import span_source
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Figure, PromptSettings, Training
from exallm_udfs.package import file_sha256
from exallm_udfs.package_file import ALLOWED_SUFFIXES

QA_NAME = "smollm2-qa"
RECORD_FILE = "run.json"
EVALUATION_FILE = "evaluation.json"
# What the training data were made from, by what rules: exallm data prepare writes it.
CARD_FILE = "card.json"
# The same of the former data, where a run had some.
FORMER_CARD_FILE = "former-card.json"
_CHECKPOINT_FOLDER = "checkpoint"
_BEST_FOLDER = "best"
_RUNS_OF_SOURCES = Path(__file__).parents[2] / "trainer" / "runs"


@dataclass(frozen=True)
class Run:
    """A run that came to its end.

    :param folder: holds ``run.json``, ``best/`` and, where it was evaluated, ``evaluation.json``.
    :param record: what ``run.json`` says.
    """

    folder: Path
    record: Mapping[str, Any]

    @property
    def best(self) -> Path:
        """The checkpoint that validation chose."""
        return self.folder / _BEST_FOLDER

    @property
    def method(self) -> str:
        """Of its recipe."""
        return str(self.record["recipe"]["method"])

    @property
    def is_adapter(self) -> bool:
        """Whether an adapter was trained and not all weights."""
        return self.method == "lora" or self.record["recipe"].get("lora") is not None

    @property
    def cards(self) -> tuple[str, ...]:
        """The files that tell what all of its data were made from."""
        former = self.record.get("former_sha256")
        return (CARD_FILE, FORMER_CARD_FILE) if former else (CARD_FILE,)

    @property
    def training(self) -> Training:
        """What a manifest says of the run."""
        return Training(
            run_id=self.record["run_id"],
            data_sha256=(self.record["data_sha256"],),
            seed=self.record["recipe"]["optimisation"]["seed"],
            versions=self.record["versions"],
        )

    def evaluation(self) -> tuple[Mapping[str, Figure], ...]:
        """The figures in ``evaluation.json``; none where it is not there."""
        file = self.folder / EVALUATION_FILE
        if not file.is_file():
            return ()
        figures: list[Mapping[str, Figure]] = json.loads(file.read_text(encoding="utf-8"))
        return tuple(figures)


def is_run(folder: Path) -> bool:
    """Whether the trainer has worked in a folder."""
    return (folder / RECORD_FILE).is_file()


def qa_run() -> Path:
    """The folder of the run whose adapter answers questions, which exallm ships."""
    installed = Path(str(resources.files("exallm"))) / "runs"
    return (installed if installed.is_dir() else _RUNS_OF_SOURCES) / "qa"


def run_source(folder: Path, base: Path | None, cache: Path, progress: Progress) -> PackageSource:
    """The package's source: merged weights for the CPU engine, and what was trained as it is.

    :param base: the GGUF that an adapter was trained on; SmolLM2 need not be named.
    :raises ExallmError: E-EXALLM-TRAIN-11 where the run has failed, has not come to its end, or was
        trained on another base; else as ``lora_source``, ``folder_source`` and
        ``span_source``.
    """
    run = read_run(folder)
    source = _source_of(run)(run, base, cache, progress)
    return replace(
        source,
        training=run.training,
        evaluation=run.evaluation(),
        added=_records(run) | dict(source.added),
    )


def read_run(folder: Path) -> Run:
    """The run in a folder.

    :raises ExallmError: E-EXALLM-TRAIN-11 where none in it came to an end.
    """
    file = folder / RECORD_FILE
    if not file.is_file():
        raise cannot_package(folder, f"it has no {RECORD_FILE}")
    try:
        record: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        state, reason = record["state"], record["reason"]
    except (ValueError, KeyError, TypeError) as error:
        raise cannot_package(folder, f"its {RECORD_FILE} is broken") from error
    if state == "failed":
        raise cannot_package(folder, f"it has failed: {reason}")
    if state not in ("finished", "stopped"):
        raise cannot_package(folder, "it has not come to its end; the same command continues it")
    run = Run(folder, record)
    for card in run.cards:
        if not (folder / card).is_file():
            raise cannot_package(folder, f"it has no {card}, so nobody knows its data")
    return run


def cannot_package(folder: Path, problem: str) -> ExallmError:
    """The error for a run that no package can be made of."""
    return ExallmError(
        "E-EXALLM-TRAIN-11",
        f"the run in {folder} cannot be packaged: {problem}",
        "name the folder of a run that ended well, and the base that it was trained on",
    )


def _records(run: Run) -> dict[str, Path]:
    """What the training was, and what its data were made from."""
    return {f"training/{name}": run.folder / name for name in (RECORD_FILE, *run.cards)}


def _source_of(run: Run) -> Callable[[Run, Path | None, Path, Progress], PackageSource]:
    if run.method == "span":
        return _pointing
    return _adapted if run.is_adapter else _whole


def _adapted(run: Run, base: Path | None, cache: Path, progress: Progress) -> PackageSource:
    gguf, settings = _lora_base(run, base, cache, progress)
    source = lora_source(settings, gguf, run.best, cache, progress)
    return replace(source, settings=replace(source.settings, prompt=_prompt_of(run)))


def _whole(run: Run, base: Path | None, cache: Path, progress: Progress) -> PackageSource:
    """With all weights as they were trained; an adapter's package keeps the adapter instead."""
    source = folder_source(run.best, cache, progress)
    checkpoint = {
        f"{_CHECKPOINT_FOLDER}/{file.name}": file
        for file in sorted(run.best.iterdir())
        if file.suffix in ALLOWED_SUFFIXES
    }
    settings = replace(source.settings, prompt=_prompt_of(run))
    return replace(source, settings=settings, checkpoint_path=_CHECKPOINT_FOLDER, added=checkpoint)


def _prompt_of(run: Run) -> PromptSettings | None:
    """Bare, but of a model that went on reading texts as its base is asked: it saw no prompts."""
    if run.method == "continue" and run.record["base_sha256"] == smollm2.SHA256:
        return SMOLLM2_SETTINGS.prompt
    return BARE_PROMPT


def _pointing(run: Run, base: Path | None, cache: Path, progress: Progress) -> PackageSource:
    known = run.record["base_sha256"] == minilm_source.WEIGHTS_SHA256
    licence = minilm_source.LICENCE if known else "LicenseRef-unknown"
    return span_source(run.best, run.record["recipe"]["span"], licence, cache, progress)


def _lora_base(
    run: Run, base: Path | None, cache: Path, progress: Progress
) -> tuple[Path, ModelSettings]:
    """The GGUF that the adapter was trained on, and how such a model is asked."""
    expected = run.record["base_sha256"]
    if base is None and expected != smollm2.SHA256:
        raise cannot_package(run.folder, f"its base is {run.record['base']}, which was not named")
    gguf = base or smollm2_file(cache, progress)
    if file_sha256(gguf) != expected:
        raise cannot_package(run.folder, f"{gguf.name} is not the file it was trained on")
    if expected == smollm2.SHA256:
        return gguf, SMOLLM2_SETTINGS
    return gguf, gguf_settings(gguf)
