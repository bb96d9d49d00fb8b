"""What packaging costs: F1 of the package's engine against that of its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from exallm.models.source import ModelSettings, PackageSource, Progress
from exallm_udfs.batch.extracting import Extracting
from exallm_udfs.batch.request import Request
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.engines.span_reader import ReadingSettings, SpanReader
from exallm_udfs.manifest import Figure
from exallm_udfs.metrics import f1_score
from exallm_udfs.options import Options
from exallm_udfs.prompt import ContextQuestion, build_prompt

if TYPE_CHECKING:
    from exallm_trainer.example import Example


def packaging_cost(
    source: PackageSource, run: Path, base: Path | None, data: Path, rows: int, progress: Progress
) -> dict[str, Figure]:
    """An entry of a manifest's evaluation; F1 and their difference are in points.

    :param run: the run folder.
    :param base: the GGUF that its adapter was trained on, None for what the run names.
    :param data: prepared data; evenly spaced questions of its validation split are asked.
    """
    prepared = import_module("exallm_trainer.data.prepared").read_prepared(data)
    examples: Sequence[Example] = prepared.validation[:: max(1, len(prepared.validation) // rows)]
    examples = examples[:rows]
    progress(f"asking the checkpoint {len(examples)} questions")
    trained = _f1(_of_checkpoint(source.settings, run, base, examples), examples)
    progress(f"asking the package {len(examples)} questions")
    packaged = _f1(_of_package(source, examples), examples)
    return {
        "measurement": "package against checkpoint, validation split",
        "questions": len(examples),
        "data_sha256": prepared.sha256,
        "f1_checkpoint": round(trained, 2),
        "f1_package": round(packaged, 2),
        "f1_difference": round(packaged - trained, 2),
    }


def _of_checkpoint(
    settings: ModelSettings, run: Path, base: Path | None, examples: Sequence[Example]
) -> list[str | None]:
    place = import_module("exallm_trainer.evaluate.model_place").model_place(str(run))
    under_test = import_module("exallm_trainer.evaluate.model_under_test").load_model(
        place, None if base is None else str(base)
    )
    decoding = import_module("exallm_trainer.evaluate.decoding").Decoding
    asked = decoding()
    if settings.prompt is not None and settings.generation is not None:
        asked = decoding(
            template=settings.prompt.template,
            max_new_tokens=settings.generation.max_new_tokens,
            stop=settings.prompt.stop,
        )
    answerer = import_module("exallm_trainer.evaluate.answerer").answerer_of(
        under_test, place.span() or asked
    )
    questions = [ContextQuestion(example.context, example.question) for example in examples]
    return [given.text for given in answerer.answer(questions, lambda done, of: None)]


def _pointed_at(source: PackageSource, examples: Sequence[Example]) -> list[str | None]:
    """What the database would answer."""
    model = source.settings
    assert model.extraction is not None, "a model either writes or points"
    tokenizer = source.folder / source.tokenizer
    reader = SpanReader(
        source.folder / source.engine_path, tokenizer, model.context_length, model.extraction
    )
    settings = ReadingSettings(model.extraction.max_answer_tokens)
    asked = [
        Request(str(number), None, Options(), example.question, example.context)
        for number, example in enumerate(examples)
    ]
    try:
        read = dict(Extracting("the package", reader, Options(), settings).compute(asked))
    finally:
        reader.close()
    answers = [read[request].values[0] for request in asked]
    return [None if answer is None else str(answer) for answer in answers]


def _of_package(source: PackageSource, examples: Sequence[Example]) -> list[str | None]:
    model = source.settings
    if model.prompt is None or model.generation is None:
        return _pointed_at(source, examples)
    engine = OpenVinoEngine(
        source.folder / source.engine_path, OpenVinoSettings(model.context_length)
    )
    prompts = [build_prompt(model.prompt.template, example.prompt()) for example in examples]
    settings = GenerationSettings(
        model.generation.max_new_tokens, 0.0, seed=0, stop=model.prompt.stop
    )
    try:
        results = engine.generate(prompts, settings)
    finally:
        engine.close()
    return [
        _written(result.text, example) if isinstance(result, Generation) else None
        for result, example in zip(results, examples, strict=True)
    ]


def _written(text: str, example: Example) -> str | None:
    """The answer that a generation holds, as ``AI_ANSWER`` and the checkpoint's side give it."""
    answers = import_module("exallm_trainer.evaluate.answers")
    asked = ContextQuestion(example.context, example.question)
    answer: str | None = answers.answer_from(answers.Generated(text, "stop"), asked).text
    return answer


def _f1(answers: Sequence[str | None], examples: Sequence[Example]) -> float:
    scores = [
        f1_score(answer, example.answers) for answer, example in zip(answers, examples, strict=True)
    ]
    return 100 * sum(scores) / len(scores)
