"""Running text: models from scratch, and models that go on learning."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm_trainer.data.card import SourceCard
from exallm_trainer.data.prepared import Prepared, read_prepared
from exallm_trainer.data.texts import running_texts
from exallm_trainer.recipe import Architecture, FormerData, LoraSettings, Optimisation, Recipe
from exallm_trainer.run_folder import METRICS_FILE, RunFolder
from exallm_trainer.tokenizer.load import load_tokenizer
from exallm_trainer.tokenizer.train import TokenizerSettings, save_tokenizer, train_tokenizer
from exallm_udfs.errors import ExallmError
from tests.trainer_prepared_texts import prepare_texts
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer

ARCHITECTURE = Architecture(block_size=32, n_layer=2, n_head=4, n_embd=32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return read_prepared(prepare_texts(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def tokenizer(data: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers") / "own"
    save_tokenizer(train_tokenizer(data, TokenizerSettings(320)), folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with 256 positions."""
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def optimisation(**changed: Any) -> Optimisation:
    settings = Optimisation(
        learning_rate=1e-2,
        warmup_steps=2,
        epochs=4,
        samples_per_step=6,
        row_tokens=96,
        max_tokens=48,
        precision="fp32",
        validate_every=10,
        patience=9,
    )
    return replace(settings, **changed)


def scratch(architecture: Architecture = ARCHITECTURE, **changed: Any) -> Recipe:
    return Recipe("scratch", "", optimisation(**changed), architecture=architecture)


def request(recipe: Recipe, data: Prepared, **changed: Any) -> Any:
    from exallm_trainer.train.request import TrainRequest

    values = {"recipe": recipe, "base": "", "data": data, "cpu": True} | changed
    return TrainRequest(**values)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / METRICS_FILE).read_text().splitlines()]


def weights(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(run / "best" / "model.safetensors"))


def test_every_token_is_learnt_once(tokenizer: Path, data: Prepared, tmp_path: Path) -> None:
    from exallm_trainer.train.text_windows import text_windows

    own = load_tokenizer(str(tokenizer))
    text = data.train_texts[0].text
    tokens = own(text, add_special_tokens=False)["input_ids"]
    end = own.eos_token_id
    for size in (2, 5, len(tokens), len(tokens) + 1, len(tokens) + 2, 1000):
        windows = text_windows([text], own, size, tmp_path)
        assert max(window.computed_tokens for window in windows) == min(size, len(tokens) + 2)
        learnt = [token for window in windows for token in window.branches[0].tokens]
        assert learnt == [*tokens, end]
        assert [window.trunk for window in windows] == [
            (([end, *tokens])[at],) for at in range(0, len(learnt), size - 1)
        ]
        assert sum(window.learnt for window in windows) == len(learnt)


def test_a_base_that_begins_texts_with_nothing_gets_its_end(base: Path) -> None:
    from exallm_trainer.train.text_windows import text_windows

    theirs = load_tokenizer(str(base))
    assert theirs.bos_token_id is None
    (window,) = text_windows(["The mill."], theirs, 100)
    assert window.trunk == (theirs.eos_token_id,)
    assert window.branches[0].tokens == (*theirs("The mill.")["input_ids"], theirs.eos_token_id)
    theirs.eos_token = None
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-55"):
        text_windows(["The mill."], theirs, 100)


def test_texts_of_a_row_do_not_see_each_other(tokenizer: Path, data: Prepared) -> None:
    import torch

    from exallm_trainer.train.random_gpt import random_gpt
    from exallm_trainer.train.row import row_of
    from exallm_trainer.train.text_windows import text_windows

    own = load_tokenizer(str(tokenizer))
    model = random_gpt(ARCHITECTURE, own, "eager").eval()
    windows = text_windows(running_texts(data.train_texts, data.train)[:3], own, 32)
    packed = row_of(windows).to(torch.device("cpu")).loss(model)
    separate = torch.zeros(())
    for window in windows:
        ids = torch.tensor([window.trunk + window.branches[0].tokens])
        separate = separate + model(input_ids=ids, labels=ids).loss * window.learnt
    torch.testing.assert_close(packed, separate, rtol=1e-5, atol=1e-4)


def test_a_model_learns_from_scratch(tokenizer: Path, data: Prepared, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from exallm_trainer.train.text_windows import text_windows
    from exallm_trainer.train.train import train

    record = train(request(scratch(), data, tokenizer=tokenizer), RunFolder(tmp_path / "run"))
    figures = lines(tmp_path / "run")
    assert figures[0]["loss"] == pytest.approx(math.log(320), rel=0.1)
    assert figures[-1]["loss"] < figures[0]["loss"] / 2
    looks = [line["validation_bits_per_byte"] for line in figures if "validation_loss" in line]
    assert record.best_bits_per_byte == pytest.approx(min(looks), abs=1e-6)
    texts = running_texts(data.validation_texts, data.validation)
    assert record.examples == len(running_texts(data.train_texts, data.train))
    assert record.validation_examples == len(texts)
    assert record.best_exact is None and len(record.tokenizer_sha256) == 64
    # What transformers loads has the figure that the run tells.
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "best").eval()
    own = load_tokenizer(str(tmp_path / "run" / "best"))
    nats = 0.0
    for window in text_windows(texts, own, 32):
        ids = torch.tensor([window.trunk + window.branches[0].tokens])
        with torch.no_grad():
            nats += model(input_ids=ids, labels=ids).loss.item() * window.learnt
    size = sum(len(text.encode()) for text in texts)
    assert record.best_bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-4)


def test_the_seed_decides_the_start(tokenizer: Path, data: Prepared, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        asked = request(scratch(epochs=1, seed=seed), data, tokenizer=tokenizer)
        train(asked, RunFolder(tmp_path / name))
    first, again, other = (weights(tmp_path / name) for name in ("first", "again", "other"))
    assert all(bool((first[name] == again[name]).all()) for name in first)
    assert not all(bool((first[name] == other[name]).all()) for name in first)


def test_another_tokenizer_is_another_run(tokenizer: Path, data: Prepared, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    asked = request(scratch(epochs=1), data, tokenizer=tokenizer)
    train(replace(asked, max_minutes=1e-9), RunFolder(tmp_path / "run"))
    save_tokenizer(train_tokenizer(data, TokenizerSettings(300)), tmp_path / "smaller")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* another tokenizer_sha256"):
        train(replace(asked, tokenizer=tmp_path / "smaller"), RunFolder(tmp_path / "run"))


def test_what_does_not_fit_the_recipe_is_refused(
    tokenizer: Path, data: Prepared, base: Path, tmp_path: Path
) -> None:
    further = Recipe("continue", "tiny", optimisation(), former=FormerData(0.1))
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-58: .*needs a tokenizer; make one with"):
        request(scratch(), data)
    for asked in (
        {"recipe": scratch(), "tokenizer": tokenizer, "base": "smollm2"},
        {"recipe": scratch(), "tokenizer": base.parent},
        {"recipe": scratch(), "tokenizer": tokenizer, "former": data},
        {"recipe": further, "base": str(base)},
        {"recipe": further, "base": str(base), "former": data, "tokenizer": tokenizer},
    ):
        with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-58"):
            request(**({"data": data} | asked))  # type: ignore[arg-type]


def test_a_block_longer_than_any_text_is_refused(
    tokenizer: Path, data: Prepared, tmp_path: Path
) -> None:
    from exallm_trainer.train.train import train

    long = replace(ARCHITECTURE, block_size=4096)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-56: no text has the 4096 tokens of a"):
        train(request(scratch(long), data, tokenizer=tokenizer), RunFolder(tmp_path / "run"))


def further(share: float | None = 0.2, lora: LoraSettings | None = None, **changed: Any) -> Recipe:
    former = None if share is None else FormerData(share)
    return Recipe("continue", "tiny", optimisation(**changed), lora=lora, former=former)


def former_data(data: Prepared) -> Prepared:
    """The same texts backwards, which the base might have known before."""
    backwards = [replace(chunk, text=chunk.text[::-1]) for chunk in data.train_texts]
    card = replace(data.card, identity="f" * 64)
    return replace(data, train_texts=backwards, train=[], sha256="f" * 64, card=card)


@pytest.mark.parametrize("lora", [None, LoraSettings(rank=8, alpha=16)], ids=["all", "adapter"])
def test_a_base_goes_on_learning(
    data: Prepared, base: Path, tmp_path: Path, lora: LoraSettings | None
) -> None:
    from exallm_trainer.train.train import train

    recipe = further(lora=lora, epochs=1)
    asked = request(recipe, data, base=str(base), former=former_data(data))
    record = train(asked, RunFolder(tmp_path / "run"))
    figures = lines(tmp_path / "run")
    assert figures[-1]["loss"] < figures[0]["loss"] * (0.9 if lora is None else 0.995)
    own = running_texts(data.train_texts, data.train)
    assert record.examples == len(own) + record.former_texts
    assert record.former_texts > 0 and record.former_sha256 == "f" * 64
    assert (tmp_path / "run" / "former-card.json").read_text() == former_data(data).card.text()
    kind = "model" if lora is None else "adapter_model"
    assert (tmp_path / "run" / "best" / f"{kind}.safetensors").is_file()


def test_windows_fit_the_positions_of_the_base(data: Prepared, base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    asked = request(further(share=None, max_tokens=257), data, base=str(base))
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-56: .* set max_tokens = 256 or less"):
        train(asked, RunFolder(tmp_path / "run"))


def test_former_texts_are_a_share_of_the_bytes() -> None:
    from exallm_trainer.train.former import former_sample

    own = [f"own {number:04d}" for number in range(900)]
    former = [f"old {number:04d}" for number in range(500)]
    judged = ["judged"]
    sample = former_sample(own, judged, own[:50] + judged + former, 0.1, seed=3)
    assert len(sample) == len(set(sample)) == 100
    assert set(sample) <= set(former)
    assert sample == former_sample(own, judged, own[:50] + judged + former, 0.1, seed=3)
    assert sample != former_sample(own, judged, own[:50] + judged + former, 0.1, seed=4)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-57: a share of 0\.5 asks for 7 kB"):
        former_sample(own, judged, former, 0.5, seed=3)


def test_former_data_do_not_bring_in_what_the_model_is_judged_by(
    data: Prepared, base: Path
) -> None:
    """Neither the validation split, though they were trained on it, nor a held-out set."""
    judging = replace(data, train_texts=data.validation_texts, train=data.validation)
    asked = request(further(), data, base=str(base), former=judging)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-57: .* there are 0 kB"):
        _ = asked.former_texts
    exam = SourceCard("exam", "squad", "exam.json", "e" * 64, None, 1, 1, 1)
    examined = replace(data, card=replace(data.card, held_out=(exam,)))
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-58: .* the held-out set exam of the"):
        replace(asked, data=examined)
    assert replace(asked, data=examined, former=examined).former == examined
