"""Answers and likelihoods of tiny models, against computations one by one."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.evaluate.answers import Generated
from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.model_place import ModelPlace, model_place
from exallm_trainer.recipe import LoraSettings, Optimisation, Recipe, read_recipe, recipe_file
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model

pytestmark = pytest.mark.trainer

ASKED = [ContextQuestion(example.context, example.question) for example in EXAMPLES]
TEMPLATE = "Context: Oslo.\nQuestion: Where?\nAnswer: Oslo\n\n{ctx}"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("gpt2"), "gpt2")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("untrained"), learnt=())


def under_test(folder: Path, base: Path | None = None) -> Any:
    """The model in float32, whatever the machine computes with."""
    from exallm_trainer.evaluate.model_under_test import load_model

    loaded = load_model(model_place(str(folder)), None if base is None else str(base), cpu=True)
    loaded.model.float()
    return loaded


def answers(loaded: Any, asked: list[ContextQuestion], **settings: Any) -> list[Generated]:
    from exallm_trainer.evaluate.transformers_answerer import TransformersAnswerer

    seen: list[tuple[int, int]] = []
    decoding = Decoding(**settings)
    prompts = [decoding.prompt(each) for each in asked]
    generated = TransformersAnswerer(loaded, decoding).complete(
        prompts, lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(asked), len(asked))
    return generated


def one_by_one(loaded: Any, prompt: str, max_new_tokens: int) -> tuple[str, float | None]:
    """Greedy, a token at a time, without cache, batch or padding, up to the first newline."""
    import torch

    tokens = loaded.tokenizer(prompt)["input_ids"]
    start, logs = len(tokens), []
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([tokens])).logits[0, -1].log_softmax(dim=-1)
        best = int(logits.argmax())
        if best == loaded.tokenizer.eos_token_id or "\n" in loaded.tokenizer.decode([best]):
            break
        tokens.append(best)
        logs.append(float(logits[best]))
    return loaded.tokenizer.decode(tokens[start:]), sum(logs) / len(logs) if logs else None


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_what_was_learnt_by_heart_is_answered(kind: str, request: Any) -> None:
    loaded = under_test(request.getfixturevalue(kind))
    generated = answers(loaded, ASKED)
    assert [each.text for each in generated] == [example.completion() for example in EXAMPLES]
    assert {each.finish_reason for each in generated} == {"stop"}
    assert all(each.log_probability and -0.1 < each.log_probability < 0 for each in generated)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "untrained"])
@pytest.mark.parametrize("batch_rows", [1, 2, 16])
def test_batches_and_padding_change_no_answer(kind: str, batch_rows: int, request: Any) -> None:
    loaded = under_test(request.getfixturevalue(kind))
    asked = [*ASKED, ContextQuestion("Oslo. " * 9, "Where? " * 5), ContextQuestion("a", "b")]
    generated = answers(loaded, asked, batch_rows=batch_rows, max_new_tokens=8)
    for each, question in zip(generated, asked, strict=True):
        text, log_probability = one_by_one(loaded, question.text(), 8)
        assert each.text.split("\n")[0] == text
        assert each.log_probability == pytest.approx(log_probability, abs=1e-4)


def test_what_does_not_end_by_itself_runs_to_the_limit(llama: Path) -> None:
    generated = answers(under_test(llama), ASKED, max_new_tokens=1)
    assert {each.finish_reason for each in generated} == {"length"}


def test_the_end_token_ends_an_answer(llama: Path) -> None:
    """A model that likes its end token best says nothing, and has stopped."""
    loaded = under_test(llama)
    computed = loaded.model.lm_head.forward

    def ending(hidden: Any) -> Any:
        logits = computed(hidden)
        logits[..., loaded.tokenizer.eos_token_id] = 1e4
        return logits

    loaded.model.lm_head.forward = ending
    assert answers(loaded, ASKED[:2]) == [Generated("", "stop")] * 2


def test_a_prompt_that_does_not_fit_is_not_computed(llama: Path) -> None:
    long = ContextQuestion("Oslo " * 400, "Where?")
    generated = answers(under_test(llama), [long, ASKED[0]])
    assert generated[0] == Generated("", "too_long")
    assert generated[1].text == EXAMPLES[0].completion()
    assert answers(under_test(llama), [long]) == [Generated("", "too_long")]


def test_examples_stand_in_front_where_a_template_says_so(llama: Path) -> None:
    loaded = under_test(llama)
    generated = answers(loaded, ASKED[:1], template=TEMPLATE, max_new_tokens=8)
    text, _ = one_by_one(loaded, TEMPLATE.replace("{ctx}", ASKED[0].text()), 8)
    assert generated[0].text.split("\n")[0] == text


@pytest.mark.parametrize("template", ["{ctx}", TEMPLATE])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "untrained"])
def test_the_likelihood_is_that_of_the_completions_alone(
    kind: str, template: str, request: Any
) -> None:
    import torch

    from exallm_trainer.evaluate.transformers_answerer import TransformersAnswerer

    loaded = under_test(request.getfixturevalue(kind))
    too_long = replace(EXAMPLES[0], id="long", context="Oslo " * 400)
    answerer = TransformersAnswerer(loaded, Decoding(template=template))
    found = answerer.likelihood([*EXAMPLES, too_long], lambda done, total: None)
    nats, count = 0.0, 0
    for example in EXAMPLES:
        prompt = loaded.tokenizer(template.replace("{ctx}", example.prompt()))["input_ids"]
        completion = loaded.tokenizer(example.completion())["input_ids"]
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([prompt + completion])).logits[0].log_softmax(-1)
        for at, token in enumerate(completion, start=len(prompt) - 1):
            nats -= float(logits[at, token])
        count += len(completion)
    size = sum(len(example.completion().encode()) for example in EXAMPLES)
    assert found is not None
    assert (found.tokens, found.text_bytes) == (count, size)
    assert found.perplexity == pytest.approx(math.exp(nats / count), rel=1e-4)
    assert found.bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-3, abs=1e-5)
    assert answerer.likelihood([too_long], lambda done, total: None) is None


@pytest.fixture(scope="module")
def run(untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as training leaves it: an adapter as best, and a later checkpoint."""
    import torch
    from safetensors.torch import save_file

    from exallm_trainer.run_folder import RunFolder
    from exallm_trainer.train.base_model import add_adapter, load_base
    from exallm_trainer.train.best import save_best

    folder = RunFolder(tmp_path_factory.mktemp("runs") / "qa")
    folder.path.mkdir()
    base = load_base(str(untrained), torch.float32)
    lora = LoraSettings(rank=4, alpha=8)
    model = add_adapter(base.model, lora)
    _shake(model, 1)
    save_best(folder, model, base.tokenizer, "tiny", True)
    _shake(model, 2)
    step = folder.checkpoints / "step-00000002"
    step.mkdir(parents=True)
    trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    save_file(trained, step / "weights.safetensors")
    (step / "state.json").write_text("{}")
    recipe = Recipe("lora", "tiny", Optimisation(learning_rate=1e-3), lora)
    folder.write({"recipe": asdict(recipe), "base": "tiny", "base_sha256": base.sha256})
    return folder.path


def _shake(model: Any, seed: int) -> None:
    import torch

    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_((torch.randn_like(parameter) * 0.3).half())


def test_the_places_of_a_run(run: Path, llama: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    best = ModelPlace("qa/best", "adapter", str(run / "best"), "tiny", record)
    assert model_place(str(run)) == best
    assert model_place(str(run / "best")) == best
    step = run / "checkpoints" / "step-00000002"
    assert model_place(str(step)) == ModelPlace(
        "qa/checkpoints/step-00000002", "step", str(step), "tiny", record
    )
    assert model_place(str(llama)) == ModelPlace(llama.name, "model", str(llama))
    assert model_place("owner/name") == ModelPlace("owner/name", "model", "owner/name")
    assert best.asked_bare and not model_place("owner/name").asked_bare


@pytest.mark.parametrize(("recipe", "bare"), [("continue", False), ("scratch", True)])
def test_a_model_that_only_read_texts_is_asked_as_its_base(recipe: str, bare: bool) -> None:
    record = {"recipe": asdict(read_recipe(recipe_file(recipe)))}
    assert ModelPlace("more/best", "model", "more/best", record=record).asked_bare is bare


def test_an_adapter_is_put_on_its_base(run: Path, untrained: Path) -> None:
    """Its weights are the base's and the product of its factors, for best and step alike."""
    from safetensors.torch import load_file

    name = "model.layers.0.self_attn.q_proj"
    plain = dict(under_test(untrained).model.named_parameters())[f"{name}.weight"]
    for folder, prefix, suffix in (
        (run / "best", "base_model.model.", ".weight"),
        (run / "checkpoints" / "step-00000002", "base_model.model.", ".default.weight"),
    ):
        loaded = under_test(folder, untrained)
        factors = load_file(next(folder.glob("*.safetensors")))
        down = factors[f"{prefix}{name}.lora_A{suffix}"].float()
        up = factors[f"{prefix}{name}.lora_B{suffix}"].float()
        merged = loaded.model.merge_and_unload()
        found = dict(merged.named_parameters())[f"{name}.weight"]
        assert (found - plain - 2.0 * up @ down).abs().max() < 1e-2
        assert (up @ down).abs().max() > 0.1
        assert loaded.base_sha256 is not None
        assert loaded.sha256 != loaded.base_sha256


def test_an_adapter_is_not_put_on_another_base(run: Path, llama: Path) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3.*another sha256"):
        under_test(run, llama)


def test_an_adapter_without_a_base_that_is_there_is_refused(run: Path) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3.*tiny"):
        under_test(run)


def test_pickled_adapters_are_refused(run: Path, untrained: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text((run / "best/adapter_config.json").read_text())
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*adapter_model.safetensors"):
        under_test(tmp_path, untrained)


def test_a_checkpoint_on_another_architecture_is_refused(
    run: Path, untrained: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    step = tmp_path / "qa" / "checkpoints" / "step-00000002"
    step.mkdir(parents=True)
    weights = load_file(run / "checkpoints/step-00000002/weights.safetensors")
    weights["model.layers.9.weight"] = next(iter(weights.values())).clone()
    save_file(weights, step / "weights.safetensors")
    (step / "state.json").write_text("{}")
    (tmp_path / "qa" / "run.json").write_text((run / "run.json").read_text())
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*another architecture"):
        under_test(step, untrained)


def test_a_run_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*no checkpoint"):
        model_place(str(tmp_path))
    (tmp_path / "best").mkdir()
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*run.json"):
        model_place(str(tmp_path))


@pytest.mark.parametrize("values", [{"base": "tiny"}, {"recipe": {"method": "lora", "style": 1}}])
def test_a_run_by_an_unknown_recipe_is_refused(values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "best").mkdir()
    (tmp_path / "run.json").write_text(json.dumps(values))
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*the recipe in its run\.json"):
        model_place(str(tmp_path)).span()
