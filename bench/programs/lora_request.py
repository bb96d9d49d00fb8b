"""What the bench's programs ask of the trainer: the recipe lora over the examples of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from exallm_trainer.data.prepared import in_memory
from exallm_trainer.example import Example
from exallm_trainer.recipe import read_recipe, recipe_file
from exallm_trainer.train.request import TrainRequest


def examples_of(rows: Sequence[Mapping[str, Any]]) -> list[Example]:
    """Examples of what ``bench.training_speed.examples_of`` sends."""
    return [Example(**{**row, "answers": tuple(row["answers"])}) for row in rows]


def lora_request(gguf: str, examples: Sequence[Example], **optimisation: Any) -> TrainRequest:
    """One epoch on the CPU; ``optimisation`` replaces settings of the recipe."""
    recipe = read_recipe(recipe_file("lora"))
    settings = replace(recipe.optimisation, epochs=1, **optimisation)
    return TrainRequest(
        recipe=replace(recipe, optimisation=settings),
        base=gguf,
        data=in_memory(examples, examples[:5]),
        cpu=True,
    )
