"""The recipe span: an encoder learns to point, and points in the database as it has learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.data.prepared import in_memory
from exallm_trainer.example import Example
from exallm_trainer.recipe import Optimisation, Recipe, SpanSettings, read_recipe, recipe_file
from exallm_trainer.run_folder import METRICS_FILE, RunFolder
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion
from tests.trainer_tiny_models import EXAMPLES, save_tiny_encoder

pytestmark = pytest.mark.trainer

LONG = Example(
    "long", "A mill. " * 40 + EXAMPLES[0].context, EXAMPLES[0].question, ("1682",), "own", "mill"
)
SETTINGS = SpanSettings(window_tokens=48, overlap_tokens=16, max_answer_tokens=8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two layers."""
    return save_tiny_encoder(tmp_path_factory.mktemp("base"))


def recipe(span: SpanSettings = SETTINGS, **changed: Any) -> Recipe:
    settings = Optimisation(
        learning_rate=5e-3,
        warmup_steps=2,
        epochs=30,
        samples_per_step=3,
        row_tokens=128,
        precision="fp32",
        validate_every=20,
        patience=9,
    )
    return Recipe("span", "tiny", replace(settings, **changed), span=span)


def request(base: Path, of: Recipe, **changed: Any) -> Any:
    from exallm_trainer.train.request import TrainRequest

    values = {
        "recipe": of,
        "base": str(base),
        "data": in_memory([*EXAMPLES, LONG], [*EXAMPLES, LONG]),
        "cpu": True,
    } | changed
    return TrainRequest(**values)


@pytest.fixture(scope="module")
def run(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt its few questions by heart."""
    from exallm_trainer.train.train import train

    folder = tmp_path_factory.mktemp("runs") / "spans"
    record = train(request(base, recipe()), RunFolder(folder))
    assert record.state == "finished" and record.best_exact == 1.0
    return folder


def test_what_is_learnt_are_tokens_of_the_answer_or_of_none(base: Path) -> None:
    from transformers import AutoTokenizer

    from exallm_trainer.train.spans import span_questions
    from exallm_udfs.span_windows import SpanTokenizer

    tokenizer = SpanTokenizer(AutoTokenizer.from_pretrained(base).backend_tokenizer, 48, 16)
    gone = replace(EXAMPLES[0], id="gone", answers=("Lisbon",))
    wordy = replace(EXAMPLES[0], id="wordy", question="When? " * 60)
    questions, left_out = span_questions([*EXAMPLES, LONG, gone, wordy], tokenizer, 1000)
    assert left_out == 2 and len(questions) == len(EXAMPLES) + 1
    for question in questions:
        example = question.example
        texts = [
            example.context[window.starts[first] : window.ends[last]] if first else None
            for window, (first, last) in zip(question.windows, question.targets, strict=True)
        ]
        assert set(texts) - {None} == set(example.answers[:1])
        assert question.computed_tokens == sum(map(len, question.windows))
    assert questions[-1].learnt > 3 and questions[-1].targets[0] == (0, 0)
    assert span_questions([LONG], tokenizer, 100)[1] == 1


def test_the_place_that_the_data_name_is_learnt(base: Path) -> None:
    from transformers import AutoTokenizer

    from exallm_trainer.train.spans import span_questions
    from exallm_udfs.span_windows import SpanTokenizer

    tokenizer = SpanTokenizer(AutoTokenizer.from_pretrained(base).backend_tokenizer, 64, 16)
    context = "The mill was built in 1682. It burnt in 1682. In 16820 nobody came."
    twice = Example("t", context, "When was the mill built?", ("1682",), "own", "mill")
    examples = [replace(twice, occurrence=number) for number in (0, 1, 2, 3)]
    questions, left_out = span_questions(examples, tokenizer, 1000)
    # The third cuts a word and there is no fourth: the likeliest is learnt.
    learnt = [q.windows[0].starts[q.targets[0][0]] for q in questions]
    assert left_out == 0 and learnt == [22, 40, 22, 22]


def test_the_loss_of_a_row_is_that_of_its_questions_alone(base: Path) -> None:
    import torch
    from transformers import AutoModelForQuestionAnswering

    from exallm_trainer.train.base_model import load_base
    from exallm_trainer.train.spans import Spans

    start = load_base(str(base), torch.float32, model_class=AutoModelForQuestionAnswering)
    spans = Spans(request(base, recipe()), SETTINGS, start, torch.device("cpu"))
    model = start.model.eval()
    with torch.inference_mode():
        together = spans.loss(model, spans.training)
        alone = [spans.loss(model, [question]) for question in spans.training]
        assert together.item() == pytest.approx(sum(each.item() for each in alone), rel=1e-5)
        figures = [spans.figures(model, question) for question in spans.validation]
        assert sum(each[0] for each in figures) == pytest.approx(together.item(), rel=1e-5)
        # Of a model itself, with all that inference bars left in: the loss is larger.
        window = spans.training[0].windows[0]
        plain = model(input_ids=torch.from_numpy(window.token_ids)[None])
        first, last = (torch.tensor([place]) for place in spans.training[0].targets[0])
        whole = torch.nn.functional.cross_entropy(plain.start_logits, first)
        whole = (whole + torch.nn.functional.cross_entropy(plain.end_logits, last)) / 2
        assert spans.loss(model, spans.training[:1]) < whole


def test_a_run_that_stops_goes_on_where_it_stood(base: Path, run: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    class EnoughError(Exception):
        pass

    def stop(report: Any) -> None:
        if report.step == 45:
            raise EnoughError

    with pytest.raises(EnoughError):
        train(request(base, recipe()), RunFolder(tmp_path / "a"), stop)
    train(request(base, recipe()), RunFolder(tmp_path / "a"))

    def losses(folder: Path) -> list[tuple[int, float]]:
        lines = (folder / METRICS_FILE).read_text().splitlines()
        return [(line["step"], line["loss"]) for line in map(json.loads, lines)]

    assert losses(tmp_path / "a") == losses(run)


def test_the_best_checkpoint_answers_as_evaluate_asks_it(run: Path) -> None:
    from exallm_trainer.evaluate.answerer import answerer_of
    from exallm_trainer.evaluate.answers import unobserved
    from exallm_trainer.evaluate.model_place import model_place
    from exallm_trainer.evaluate.model_under_test import load_model

    for place in map(model_place, (str(run), str(run / "best"))):
        settings = place.span()
        assert settings == SETTINGS
        answerer = answerer_of(load_model(place, None, cpu=True), settings)
        asked = [ContextQuestion(example.context, example.question) for example in EXAMPLES]
        asked.append(ContextQuestion(EXAMPLES[0].context, "When? " * 60))
        given = answerer.answer(asked, unobserved)
        right = [(*example.answers, None)[0] for example in EXAMPLES]
        assert [each.text for each in given] == [*right, None]
        assert [each.stopped for each in given] == [True] * len(EXAMPLES) + [False]


@pytest.fixture
def whole_contexts(base: Path) -> tuple[Any, list[tuple[int, int]]]:
    """A model that answers with all that a window holds, and the shapes that it computed."""
    import torch
    from transformers import AutoTokenizer
    from transformers.modeling_outputs import QuestionAnsweringModelOutput

    from exallm_trainer.evaluate.model_under_test import ModelUnderTest

    shapes: list[tuple[int, int]] = []

    def pointing(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
        shapes.append(tuple(input_ids.shape))
        starts, ends = torch.zeros(input_ids.shape), torch.zeros(input_ids.shape)
        for row, length in enumerate(attention_mask.sum(dim=1).tolist()):
            starts[row, int(token_type_ids[row].argmax())] = 9
            ends[row, length - 2] = 9  # the last token is a mark
        return QuestionAnsweringModelOutput(start_logits=starts, end_logits=ends)

    tokenizer = AutoTokenizer.from_pretrained(base)
    cpu = torch.device("cpu")
    return ModelUnderTest(pointing, tokenizer, "0" * 64, None, cpu, "fp32"), shapes


@pytest.mark.parametrize("context", ["Sales\n- Legal", "not specified", "Answer: in 1682"])
def test_a_span_is_the_answer_as_it_stands(whole_contexts: Any, context: str) -> None:
    from exallm_trainer.evaluate.answers import unobserved
    from exallm_trainer.evaluate.span_answerer import SpanAnswerer

    model, _ = whole_contexts
    settings = SpanSettings(window_tokens=96, max_answer_tokens=30, overlap_tokens=16)
    asked = ContextQuestion(context, "What?")
    (given,) = SpanAnswerer(model, settings).answer([asked], unobserved)
    assert given.text == context and given.generated is None


def test_windows_of_a_long_context_are_computed_in_batches(whole_contexts: Any) -> None:
    from exallm_trainer.evaluate.answers import unobserved
    from exallm_trainer.evaluate.span_answerer import SpanAnswerer

    model, shapes = whole_contexts
    asked = ContextQuestion("A mill. " * 1500, "What?")
    SpanAnswerer(model, SETTINGS).answer([asked], unobserved)
    assert len(shapes) > 1 and all(rows * tokens <= 4096 for rows, tokens in shapes)


def test_a_window_longer_than_the_base_takes_is_refused(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    wide = recipe(SpanSettings(window_tokens=4096))
    with pytest.raises(ExallmError, match=r"TRAIN-3: .*cannot read span.window_tokens = 4096"):
        train(request(base, wide), RunFolder(tmp_path / "a"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('method = "finetune"', "the section span stands there exactly with"),
        ("window_tokens = 8", "window_tokens is at least 16"),
        ("overlap_tokens = 192", "below half of window_tokens"),
        ("max_answer_tokens = 0", "max_answer_tokens is from 1 to window_tokens"),
        ("stride = 3", "span.stride is unknown"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused(tmp_path: Path, change: str, problem: str) -> None:
    key = change.partition(" =")[0]
    lines = recipe_file("span").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{key} =")]
    where = 0 if key == "method" else kept.index("[span]") + 1
    (tmp_path / "own.toml").write_text("\n".join([*kept[:where], change, *kept[where:]]))
    with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-1: .*{problem}"):
        read_recipe(tmp_path / "own.toml")
