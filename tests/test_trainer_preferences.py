"""Preference optimisation: the loss of its paper, a reference that stays, runs that go on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.data.prepared import in_memory
from exallm_trainer.preference_pair import PreferencePair
from exallm_trainer.recipe import DpoSettings, LoraSettings, Optimisation, Recipe
from exallm_trainer.run_folder import METRICS_FILE, RunFolder
from exallm_udfs.errors import ExallmError
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model

pytestmark = pytest.mark.trainer

BETA = 0.3
PAIRS = [
    PreferencePair(f"{n}", example.prompt(), f"the mill {n}", f"{n} never", "own", f"d{n}")
    for n, example in enumerate(EXAMPLES)
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"))


def recipe(adapter: bool = True, beta: float = BETA, **changed: Any) -> Recipe:
    settings = Optimisation(
        learning_rate=5e-3,
        warmup_steps=0,
        epochs=4,
        samples_per_step=2,
        row_tokens=400,
        precision="fp32",
        validate_every=3,
        patience=9,
    )
    lora = LoraSettings(rank=4, alpha=8, dropout=0.1) if adapter else None
    return Recipe("dpo", "tiny", replace(settings, **changed), lora, dpo=DpoSettings(beta))


def request(base: Path, of: Recipe, pairs: list[PreferencePair] = PAIRS, **changed: Any) -> Any:
    from exallm_trainer.train.request import TrainRequest

    data = in_memory([], [], pairs, pairs[:3])
    return TrainRequest(**{"recipe": of, "base": str(base), "data": data, "cpu": True} | changed)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / METRICS_FILE).read_text().splitlines()]


def log_probability(model: Any, tokenizer: Any, prompt: str, completion: str) -> float:
    """Of one completion after its prompt, computed alone."""
    import torch

    asked = tokenizer(prompt)["input_ids"]
    written = tokenizer(f" {completion}\n", add_special_tokens=False)["input_ids"]
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([asked + written])).logits[0]
    tokens = logits[len(asked) - 1 : -1].log_softmax(-1)
    return float(sum(tokens[at, token] for at, token in enumerate(written)))


def test_the_loss_is_that_of_the_paper_with_each_completion_computed_alone(base: Path) -> None:
    import torch

    from exallm_trainer.train.methods import METHODS

    asked, device = request(base, recipe(adapter=False)), torch.device("cpu")
    start = METHODS["dpo"].start(asked, device, "fp32")
    objective = METHODS["dpo"].objective(asked, start, device, "fp32")
    model, tokenizer = start.model, start.tokenizer

    def log_ratios() -> list[float]:
        return [
            log_probability(model, tokenizer, pair.prompt, pair.chosen)
            - log_probability(model, tokenizer, pair.prompt, pair.rejected)
            for pair in PAIRS
        ]

    before = log_ratios()
    at_start = objective.loss(model, objective.training)
    assert at_start.item() == pytest.approx(len(PAIRS) * math.log(2), abs=1e-4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    margins = [BETA * (now - then) for now, then in zip(log_ratios(), before, strict=True)]
    assert max(map(abs, margins)) > 0.05
    losses = [math.log(1 + math.exp(-margin)) for margin in margins]
    found = objective.loss(model, objective.training)
    assert found.item() == pytest.approx(sum(losses), rel=1e-4)
    figures = [objective.figures(model, sample) for sample in objective.training]
    judged = objective.judged([sum(column) for column in zip(*figures, strict=True)])
    assert judged.loss == pytest.approx(sum(losses) / len(PAIRS), rel=1e-4)
    assert judged.margin == pytest.approx(sum(margins) / len(PAIRS), abs=1e-4)
    assert judged.preferred == sum(margin > 0 for margin in margins) / len(PAIRS)


def test_the_loss_is_that_of_trl(base: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    import torch
    from datasets import Dataset

    from exallm_trainer.train.base_model import load_base
    from exallm_trainer.train.methods import METHODS

    asked, device = request(base, recipe(adapter=False)), torch.device("cpu")
    start = METHODS["dpo"].start(asked, device, "fp32")
    objective = METHODS["dpo"].objective(asked, start, device, "fp32")
    with torch.no_grad():
        for parameter in start.model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    row = {"prompt": "a", "chosen": " b", "rejected": " c"}
    trainer = trl.DPOTrainer(
        start.model,
        load_base(str(base), torch.float32).model,
        args=trl.DPOConfig(str(tmp_path), beta=BETA, use_cpu=True, bf16=False, report_to=[]),
        train_dataset=Dataset.from_list([row]),
        processing_class=start.tokenizer,
    )
    sequences = [
        (branch.tokens, branch.answer_tokens, sample.passage.trunk)
        for side in (0, 1)
        for sample in objective.training
        for branch in [sample.passage.branches[side]]
    ]
    longest = max(len(trunk) + len(tokens) for tokens, _, trunk in sequences)
    batch = torch.zeros(3, len(sequences), longest, dtype=torch.long)
    for number, (tokens, answer, trunk) in enumerate(sequences):
        length = len(trunk) + len(tokens)
        batch[0, number, :length] = torch.tensor([*trunk, *tokens])
        batch[1, number, :length] = 1
        batch[2, number, length - answer : length] = 1
    names = ("input_ids", "attention_mask", "completion_mask")
    theirs = trainer.compute_loss(start.model, dict(zip(names, batch, strict=True)))
    ours = objective.loss(start.model, objective.training) / len(PAIRS)
    assert ours.item() != pytest.approx(math.log(2), abs=1e-3)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)


def test_a_prompt_is_computed_once_for_both_completions(base: Path) -> None:
    import torch

    from exallm_trainer.train.methods import METHODS

    asked, device = request(base, recipe()), torch.device("cpu")
    start = METHODS["dpo"].start(asked, device, "fp32")
    objective = METHODS["dpo"].objective(asked, start, device, "fp32")
    for sample, pair in zip(objective.training, PAIRS, strict=True):
        prompt = len(start.tokenizer(pair.prompt)["input_ids"])
        # The last token of the prompt predicts the first of each completion.
        assert sample.example_tokens - sample.computed_tokens == prompt - 1


@pytest.mark.parametrize("adapter", [True, False])
def test_training_prefers_what_was_chosen(base: Path, tmp_path: Path, adapter: bool) -> None:
    from exallm_trainer.train.train import train

    record = train(request(base, recipe(adapter)), RunFolder(tmp_path / "run"))
    figures = lines(tmp_path / "run")
    assert figures[0]["loss"] == pytest.approx(math.log(2), abs=0.05)
    looks = [line for line in figures if "validation_loss" in line]
    assert looks[-1]["validation_preferred"] == 1.0
    assert looks[-1]["validation_margin"] > looks[0]["validation_margin"] > 0
    assert record.best_loss == pytest.approx(
        min(look["validation_loss"] for look in looks), abs=1e-6
    )
    assert record.best_exact is None and "loss" in str(record.best_told())
    assert (record.examples, record.validation_examples) == (5, 3)


def test_the_reference_is_the_adapter_that_a_run_begins_from(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    # Dropout would make the first step's model another one than the reference.
    of = replace(recipe(), lora=LoraSettings(rank=4, alpha=8))
    first = train(request(base, of), RunFolder(tmp_path / "first"))
    assert first.best_loss is not None and first.best_loss < 0.6
    again = request(base, of, adapter=tmp_path / "first" / "best")
    train(again, RunFolder(tmp_path / "second"))
    assert lines(tmp_path / "second")[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)


@pytest.mark.parametrize("adapter", [True, False])
def test_a_stopped_run_goes_on_to_the_same_bits(base: Path, tmp_path: Path, adapter: bool) -> None:
    from safetensors.torch import load_file

    from exallm_trainer.train.train import train

    asked = request(base, recipe(adapter))
    whole = train(asked, RunFolder(tmp_path / "whole"))

    def interrupt(report: Any) -> None:
        if report.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(asked, RunFolder(tmp_path / "stopped"), interrupt)
    train(asked, RunFolder(tmp_path / "stopped"))
    for name in ("weights", "optimizer"):
        file = f"checkpoints/step-{whole.steps:08d}/{name}.safetensors"
        one, other = load_file(tmp_path / "whole" / file), load_file(tmp_path / "stopped" / file)
        assert one and all(bool((one[key] == other[key]).all()) for key in one), name


def test_pairs_that_are_too_long_are_left_out_and_counted(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    long = replace(PAIRS[0], rejected="never " * 200)
    record = train(
        request(base, recipe(epochs=1, max_tokens=150), [*PAIRS, long]),
        RunFolder(tmp_path / "run"),
    )
    assert record.left_out == 1 and record.state == "finished"


def test_data_without_pairs_is_refused(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    with pytest.raises(ExallmError) as raised:
        train(request(base, recipe(), []), RunFolder(tmp_path / "run"))
    assert raised.value.code == "E-EXALLM-TRAIN-9" and "dpo" in str(raised.value)
