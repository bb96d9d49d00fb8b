"""A run of preference optimisation, judged on pairs of other questions.

Arguments: the GGUF, and the folder of the adapter that the run begins from. A request names
``training`` and ``held_out``, each with ``examples`` and ``answers``, and ``steps``,
``pairs_per_step`` and ``folder``. The reply has the reward ``margins`` of the held-out pairs, which
are 0 at the start, and how many ``pairs`` and ``steps`` there were.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench.programs.json_lines import serve
from bench.programs.lora_request import examples_of
from exallm_trainer.data.prepared import in_memory
from exallm_trainer.device import choose_precision
from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.error_pairs import pairs_from_errors
from exallm_trainer.evaluate.evaluation import judge
from exallm_trainer.evaluate.evaluation_set import EvaluationSet
from exallm_trainer.preference_pair import PreferencePair
from exallm_trainer.recipe import read_recipe, recipe_file
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.computing import as_computed
from exallm_trainer.train.methods import METHODS
from exallm_trainer.train.preferences import Preferences
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.train import train


def run(gguf: str, adapter: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Train so many steps, and compare the model at their end with that at their beginning.

    ``ValueError`` where there are too few pairs for them.
    """
    training, held_out = _pairs(request["training"]), _pairs(request["held_out"])
    needed = request["steps"] * request["pairs_per_step"]
    if len(training) < needed:
        raise ValueError(f"{needed} pairs are needed, and there are {len(training)}")
    training = training[:needed]
    recipe = read_recipe(recipe_file("dpo"))
    settings = replace(
        recipe.optimisation,
        samples_per_step=request["pairs_per_step"],
        # One look, at the end: nothing is chosen by the held-out pairs.
        validate_every=request["steps"],
    )
    asked = TrainRequest(
        recipe=replace(recipe, optimisation=settings),
        base=gguf,
        data=in_memory([], [], training, held_out),
        adapter=adapter,
        cpu=True,
    )
    folder = RunFolder(Path(request["folder"]))
    record = train(asked, folder)
    margins = _margins(replace(asked, data=in_memory([], [], [], held_out)), folder.best)
    return {"margins": margins, "pairs": len(training), "steps": record.steps}


def _pairs(answered: Mapping[str, Any]) -> list[PreferencePair]:
    examples = examples_of(answered["examples"])
    given = [GivenAnswer(text) for text in answered["answers"]]
    evaluation = judge("tuned", EvaluationSet("asked", tuple(examples)), given)
    return list(pairs_from_errors([evaluation], in_memory(examples, [])).pairs)


def _margins(asked: TrainRequest, tuned: Path) -> list[float]:
    """Of each held-out pair, with the model that the run began from as the reference."""
    device = torch.device("cpu")
    precision = choose_precision(asked.recipe.optimisation.precision, device)
    parts, settings = METHODS["dpo"], asked.recipe.dpo
    assert settings is not None
    start = parts.start(asked, device, precision)
    objective = Preferences(asked, settings, start, device, precision)
    model = parts.start(replace(asked, adapter=tuned), device, precision).model
    model.eval()
    with torch.inference_mode(), as_computed(model, device, precision):
        return [objective.margins(model, [pair]).item() for pair in objective.validation]


if __name__ == "__main__":
    serve(lambda request: run(sys.argv[1], Path(sys.argv[2]), request))
