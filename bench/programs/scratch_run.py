"""A model from random weights, trained for so many minutes and judged on held-out texts.

No arguments. A request names ``sources`` and ``held_out`` as ``exallm data prepare`` takes them,
``texts`` to judge by, ``vocabulary``, ``minutes`` and ``folder``, a new one. The reply has
``start`` and ``end``, bits a byte of the texts before the first step and after the last look,
``parameters``, ``steps``, ``seconds``, ``tokens`` that were computed, ``threads``, and ``state`` of
the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.programs.json_lines import serve
from exallm_trainer import random_state
from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.sources import parse_source
from exallm_trainer.evaluate.text_likelihood import text_likelihood
from exallm_trainer.recipe import read_recipe, recipe_file
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.tokenizer.train import TokenizerSettings, save_tokenizer, train_tokenizer
from exallm_trainer.train.base_model import BaseModel, load_base
from exallm_trainer.train.methods import METHODS
from exallm_trainer.train.report import StepReport
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.train import train


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Prepare, train a tokenizer and a model, and judge the model as it began and as it ended."""
    folder = Path(request["folder"])
    sources, held_out = (
        [parse_source(source) for source in request[name]] for name in ("sources", "held_out")
    )
    data = prepare(PrepareRequest(sources, held_out), folder / "data")
    tokenizer = folder / "tokenizer"
    save_tokenizer(train_tokenizer(data, TokenizerSettings(request["vocabulary"])), tokenizer)
    asked = TrainRequest(
        recipe=read_recipe(recipe_file("scratch")),
        base="",
        data=data,
        tokenizer=tokenizer,
        max_minutes=request["minutes"],
        cpu=True,
    )
    reports: list[StepReport] = []
    runs = RunFolder(folder / "run")
    record = train(asked, runs, reports.append)
    random_state.seed_everything(asked.recipe.optimisation.seed)
    start = METHODS["scratch"].start(asked, torch.device("cpu"), "fp32")
    end = load_base(str(runs.best), torch.float32)
    return {
        "start": _bits_per_byte(start, asked, request["texts"]),
        "end": _bits_per_byte(end, asked, request["texts"]),
        "parameters": sum(parameter.numel() for parameter in end.model.parameters()),
        "steps": record.steps,
        "seconds": record.seconds,
        "tokens": sum(report.computed_tokens for report in reports),
        "threads": torch.get_num_threads(),
        "state": record.state,
    }


def _bits_per_byte(made: BaseModel, asked: TrainRequest, texts: list[str]) -> float:
    window = asked.recipe.window_tokens
    return text_likelihood(made.model.eval(), made.tokenizer, texts, window).bits_per_byte


if __name__ == "__main__":
    serve(run)
