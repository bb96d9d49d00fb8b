"""The manifest of a model package: what the package is and how its model is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object
from exallm_udfs.names import ModelReference, check_model_name, check_version
from exallm_udfs.package_file import (
    PackageFile,
    check_package_files,
    check_sha256,
)
from exallm_udfs.prompt import PLACEHOLDER

TASKS = ("answer", "classify", "embed", "generate")
ENGINES = ("openvino", "torch")
MAX_NEW_TOKENS_LIMIT = 32_768
MAX_TEMPERATURE = 5.0
STOP_LIMIT = 16

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Figure = str | int | float


@dataclass(frozen=True)
class PromptSettings:
    """How a row's text becomes a prompt.

    :param template: text with one ``{ctx}``, which the row's text replaces literally.
    :param stop: texts that end the answer; they are not part of it.
    """

    template: str
    stop: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.template.count(PLACEHOLDER) != 1:
            raise ValueError(f"prompt: the template has to hold {PLACEHOLDER} exactly once")
        check_stop(self.stop)


def check_stop(stop: tuple[str, ...]) -> tuple[str, ...]:
    """The stop strings themselves; ``ValueError`` where one is empty or there are too many."""
    if len(stop) > STOP_LIMIT or "" in stop:
        raise ValueError(f"'stop' has to be a list of up to {STOP_LIMIT} texts, none empty")
    return stop


@dataclass(frozen=True)
class GenerationDefaults:
    """How the model generates where a caller does not say otherwise; temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0


@dataclass(frozen=True)
class ExtractionSettings:
    """How a model that points at its answers reads a context.

    :param overlap_tokens: tokens that neighbouring windows of a long context share.
    :param max_answer_tokens: most tokens of an answer where a caller does not say otherwise.
    """

    overlap_tokens: int
    max_answer_tokens: int


@dataclass(frozen=True)
class EngineFiles:
    """What one engine opens: a file of the package, or a folder of it (``.`` is all of it)."""

    path: str


@dataclass(frozen=True)
class Adapter:
    """The LoRA adapter that was merged into the weights.

    :param path: the folder of the package that keeps it as it was trained.
    :param scale: what its products were multiplied with.
    :param base_sha256: digest of the GGUF that it was merged into.
    """

    path: str
    scale: float
    base_sha256: str

    def __post_init__(self) -> None:
        check_sha256(self.base_sha256)


@dataclass(frozen=True)
class Training:
    """Where the weights come from.

    :param data_sha256: digests of the training files.
    :param versions: package name to version, of what computed.
    """

    run_id: str
    data_sha256: tuple[str, ...]
    seed: int
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        for digest in self.data_sha256:
            check_sha256(digest)


@dataclass(frozen=True)
class Manifest:
    """``manifest.json`` of one version of one model.

    :param base: the package that this one was made from, as ``smollm2@v1``, or None.
    :param engines: engine name to what it opens.
    :param prompt: None, as ``generation``, for a model that points at its answers.
    :param context_length: tokens of prompt and answer together, or of a window.
    :param tokenizer: path of the file that holds the tokenizer (the GGUF itself, for a GGUF).
    :param training: None for weights that were taken as published.
    :param evaluation: measured figures, one mapping a measurement.
    :param licence: of the weights, as an SPDX expression.
    :param created_at: UTC, ``2026-01-31T12:00:00Z``.
    :param adapter: None for weights that no adapter was merged into.
    :param extraction: None for a model that writes its answers.

    Contradictions raise ``ValueError``.
    """

    name: str
    version: int
    task: str
    base: str | None
    engines: Mapping[str, EngineFiles]
    files: tuple[PackageFile, ...]
    prompt: PromptSettings | None
    generation: GenerationDefaults | None
    context_length: int
    tokenizer: str
    training: Training | None
    evaluation: tuple[Mapping[str, Figure], ...]
    licence: str
    created_at: str
    adapter: Adapter | None = None
    extraction: ExtractionSettings | None = None

    def __post_init__(self) -> None:
        check_model_name(self.name)
        check_version(self.version)
        if self.task not in TASKS:
            raise ValueError(f"task {self.task!r} is not one of {', '.join(TASKS)}")
        if self.base is not None and str(ModelReference.parse(self.base)) != self.base:
            raise ValueError(f"base {self.base!r} has to name an alias or version")
        check_package_files(self.files)
        self._check_engines()
        if self.tokenizer not in {file.path for file in self.files}:
            raise ValueError(f"tokenizer {self.tokenizer!r} is not a file of the package")
        self._check_asking()
        if not self.licence:
            raise ValueError("the licence is empty")
        if _TIMESTAMP.fullmatch(self.created_at) is None:
            raise ValueError(f"created_at {self.created_at!r} is not like 2026-01-31T12:00:00Z")

    def _check_asking(self) -> None:
        writes = self.prompt is not None and self.generation is not None
        points = self.prompt is None and self.generation is None
        if writes == (self.extraction is not None) or not (writes or points):
            raise ValueError("a model has either 'prompt' and 'generation', or 'extraction'")
        if self.generation and self.generation.max_new_tokens >= self.context_length:
            raise ValueError("generation: max_new_tokens leaves no room for a prompt")
        if self.extraction is not None:
            if self.extraction.overlap_tokens >= self.context_length // 2:
                raise ValueError("extraction: overlap_tokens is less than half of a window")
            if set(self.engines) != {"openvino"}:
                raise ValueError("engines: a model with 'extraction' is computed by openvino")

    def _check_engines(self) -> None:
        if not self.engines:
            raise ValueError("a package names at least one engine")
        for engine, opened in self.engines.items():
            if engine not in ENGINES:
                raise ValueError(f"engine {engine!r} is not one of {', '.join(ENGINES)}")
            if not self.files_of(opened.path):
                raise ValueError(f"engine {engine}: {opened.path!r} is not in the package")
        if self.adapter is not None and not self.files_of(self.adapter.path):
            raise ValueError(f"adapter: {self.adapter.path!r} is not in the package")

    def files_of(self, path: str) -> tuple[PackageFile, ...]:
        """The file of that path, the files below that folder, or for ``.`` all files."""
        return tuple(
            file
            for file in self.files
            if path == "." or file.path == path or file.path.startswith(f"{path}/")
        )

    def writing(self) -> tuple[PromptSettings, GenerationDefaults]:
        """How a model that writes its answers is asked; E-EXALLM-MODEL-50 for one that does not."""
        if self.prompt is None or self.generation is None:
            raise self.writes_no_text()
        return self.prompt, self.generation

    def pointing(self) -> ExtractionSettings:
        """How a model that points at its answers reads; ``ValueError`` for one that writes."""
        if self.extraction is None:
            raise ValueError(f"{self.name}@v{self.version} writes its answers")
        return self.extraction

    def writes_no_text(self) -> ExallmError:
        """The error for a caller who wants text of a model that points at answers."""
        return ExallmError(
            "E-EXALLM-MODEL-50",
            f"{self.name}@v{self.version} points at answers in a context and writes no text",
            "ask it with AI_ANSWER, or name a model that writes",
        )

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read the manifest's text; E-EXALLM-MODEL-8 says what is wrong with it."""
        try:
            return _read(Fields(parse_object(text), "the manifest"))
        except ExallmError as error:
            problem = error.problem
        except ValueError as error:
            problem = str(error)
        raise ExallmError(
            "E-EXALLM-MODEL-8",
            f"the manifest is not valid: {problem}",
            "build the package again with this version of exallm",
        )

    def to_json(self) -> str:
        """The same manifest always gives the same text: keys sorted, a newline at the end.

        A model that writes has no key ``extraction``, so that its text is what it was before there
        were others.
        """
        values = asdict(self)
        if self.extraction is None:
            del values["extraction"]
        return json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _read(top: Fields) -> Manifest:
    top.refuse_unknown(field.name for field in fields(Manifest))
    base, training = top.take("base"), top.take("training")
    adapter = top.take("adapter") if "adapter" in top else None
    extraction = top.take("extraction") if "extraction" in top else None
    prompt, generation = top.take("prompt"), top.take("generation")
    return Manifest(
        name=top.take_text("name"),
        version=top.take_integer("version", 1, 10**9 - 1),
        task=top.take_text("task"),
        base=None if base is None else top.take_text("base"),
        engines={
            engine: _read_engine(engine, value)
            for engine, value in top.take_object("engines").items()
        },
        files=tuple(_read_file(value) for value in top.take_list("files")),
        prompt=None if prompt is None else _read_prompt(prompt),
        generation=None if generation is None else _read_generation(generation),
        context_length=top.take_integer("context_length", 2, 10**7),
        tokenizer=top.take_text("tokenizer"),
        training=None if training is None else _read_training(training),
        evaluation=tuple(_read_figures(value) for value in top.take_list("evaluation")),
        licence=top.take_text("licence"),
        created_at=top.take_text("created_at"),
        adapter=None if adapter is None else _read_adapter(adapter),
        extraction=None if extraction is None else _read_extraction(extraction),
    )


def _read_engine(engine: str, value: Any) -> EngineFiles:
    entry = Fields(value, f"engine {engine}")
    entry.refuse_unknown(["path"])
    return EngineFiles(path=entry.take_text("path"))


def _read_file(value: Any) -> PackageFile:
    entry = Fields(value, "an entry of files")
    entry.refuse_unknown(field.name for field in fields(PackageFile))
    return PackageFile(
        path=entry.take_text("path"),
        bytes=entry.take_integer("bytes", 0, 2**63 - 1),
        sha256=entry.take_text("sha256"),
    )


def _read_prompt(value: Any) -> PromptSettings:
    entry = Fields(value, "prompt")
    entry.refuse_unknown(field.name for field in fields(PromptSettings))
    return PromptSettings(template=entry.take_text("template"), stop=entry.take_texts("stop"))


def _read_generation(value: Any) -> GenerationDefaults:
    entry = Fields(value, "generation")
    entry.refuse_unknown(field.name for field in fields(GenerationDefaults))
    return GenerationDefaults(
        max_new_tokens=entry.take_integer("max_new_tokens", 1, MAX_NEW_TOKENS_LIMIT),
        temperature=entry.take_number("temperature", 0.0, MAX_TEMPERATURE),
    )


def _read_extraction(value: Any) -> ExtractionSettings:
    entry = Fields(value, "extraction")
    entry.refuse_unknown(field.name for field in fields(ExtractionSettings))
    return ExtractionSettings(
        overlap_tokens=entry.take_integer("overlap_tokens", 0, 10**6),
        max_answer_tokens=entry.take_integer("max_answer_tokens", 1, MAX_NEW_TOKENS_LIMIT),
    )


def _read_adapter(value: Any) -> Adapter:
    entry = Fields(value, "adapter")
    entry.refuse_unknown(field.name for field in fields(Adapter))
    return Adapter(
        path=entry.take_text("path"),
        scale=entry.take_number("scale", 0.0, 1e6),
        base_sha256=entry.take_text("base_sha256"),
    )


def _read_training(value: Any) -> Training:
    entry = Fields(value, "training")
    entry.refuse_unknown(field.name for field in fields(Training))
    versions = entry.take_object("versions")
    if not all(isinstance(version, str) for version in versions.values()):
        raise ValueError("training: 'versions' has to map package names to texts")
    return Training(
        run_id=entry.take_text("run_id"),
        data_sha256=entry.take_texts("data_sha256"),
        seed=entry.take_integer("seed", 0, 2**63 - 1),
        versions=versions,
    )


def _read_figures(value: Any) -> Mapping[str, Figure]:
    if not isinstance(value, dict) or not all(
        isinstance(figure, str | int | float) and not isinstance(figure, bool)
        for figure in value.values()
    ):
        raise ValueError("an entry of evaluation has to map names to texts and numbers")
    return value
