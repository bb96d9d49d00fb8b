"""Recipes: what is in a file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exallm_trainer.recipe import LoraSettings, read_recipe, recipe_file
from exallm_trainer.train.order import epoch_order, steps_an_epoch
from exallm_trainer.train.passage import Branch, Passage
from exallm_trainer.train.schedule import learning_rate
from exallm_udfs.errors import ExallmError

_SCRATCH = """method = 'scratch'
[optimisation]
learning_rate = 0.1
[architecture]
block_size = 32
n_layer = 2
n_embd = 64
"""
_FORMER = "base = 'x'\n[optimisation]\nlearning_rate = 0.1\n[former]\n"


def test_the_projects_recipes_are_valid() -> None:
    lora = read_recipe(recipe_file("lora"))
    assert lora.method == "lora" and lora.lora == LoraSettings(rank=16, alpha=32)
    assert lora.base == "smollm2" and lora.base_sha256 is not None
    finetune = read_recipe(recipe_file("finetune"))
    assert finetune.method == "finetune" and finetune.lora is None
    scratch = read_recipe(recipe_file("scratch"))
    assert scratch.architecture is not None
    assert scratch.window_tokens == scratch.architecture.block_size
    further = read_recipe(recipe_file("continue"))
    assert further.former is not None and further.base == lora.base
    assert further.window_tokens == further.optimisation.max_tokens


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("method = 'lora'", "required|missing|lora"),
        ("base = 'x'\nmethod = 'sft'\n[optimisation]\nlearning_rate = 0.1", "method is"),
        ("base = 'x'\nmethod = 'lora'\n[optimisation]\nlearning_rate = 0.1", "section lora"),
        (
            "base = 'x'\nmethod = 'finetune'\n[optimisation]\nlearning_rate = 0.1\n[lora]",
            "section lora",
        ),
        ("base = 'x'\nmethod = 'finetune'\n[optimisation]\nlearning_rate = nan", "learning_rate"),
        ("base = 'x'\nmethod = 'finetune'\n[optimisation]\nlearning_rate = '1'", "of type float"),
        ("base = 'x'\nmethod = 'finetune'\n[optimisation]\nlr = 1", "lr is unknown"),
        (
            "base = 'x'\nmethod = 'finetune'\n[optimisation]\nlearning_rate = 0.1\nepochs = 0",
            "epochs is at least 1",
        ),
        (
            "base = 'x'\nmethod = 'finetune'\n[optimisation]\nlearning_rate = 0.1\nepochs = true",
            "epochs is not of type int",
        ),
        (f"{_SCRATCH}n_head = 3", "n_head divides n_embd; 3 does not divide 64"),
        (f"{_SCRATCH}n_head = 0", "n_head is at least 1"),
        (f"{_SCRATCH}n_head = 4\ndropout = 1.0", "dropout is from 0 to below 1"),
        (f"base = 'x'\n{_SCRATCH}n_head = 4", "method = 'scratch' has no base"),
        ("method = 'scratch'\n[optimisation]\nlearning_rate = 0.1", "section architecture"),
        ("method = 'continue'\n[optimisation]\nlearning_rate = 0.1", "base is missing"),
        (f"base = 'x'\n{_SCRATCH}n_head = 4".replace("scratch", "continue"), "architecture"),
        (f"method = 'continue'\n{_FORMER}share = 1", "former.share is above 0 and below 1"),
        (f"method = 'finetune'\n{_FORMER}share = 0.1", "section former"),
        ("not toml", "."),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-1: .*({problem})"):
        read_recipe(file)


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ExallmError, match="one of continue, dpo, finetune, lora, scratch"):
        recipe_file("nothing")


def test_the_learning_rate_rises_and_falls() -> None:
    settings = read_recipe(recipe_file("lora")).optimisation
    rates = [learning_rate(settings, step, 500) for step in range(1, 501)]
    assert rates[0] == pytest.approx(settings.learning_rate / settings.warmup_steps)
    assert rates[settings.warmup_steps - 1] == settings.learning_rate == max(rates)
    falling = rates[settings.warmup_steps - 1 :]
    assert falling == sorted(falling, reverse=True)
    assert rates[-1] == pytest.approx(settings.final_learning_rate)


def test_an_epoch_has_every_passage_once_in_an_order_of_its_own() -> None:
    passages = [Passage((1,) * (n % 37 + 1), (Branch((1, 2), 1),)) for n in range(203)]
    orders = [epoch_order(passages, 3, seed=5, epoch=epoch) for epoch in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(index for step in orders[2] for index in step) == list(range(203))
    for count in (1, 2, 3, 47, 48, 49, 50, 203):
        assert len(epoch_order(passages[:count], 3, 0, 0)) == steps_an_epoch(count, 3)
