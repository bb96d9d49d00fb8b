"""An encoder trained by the recipe span, and converted.

No arguments. A request names ``training`` and ``held_out``, questions in the form of SQuAD,
``folder``, a new one, and ``models``, where models that exallm has fetched or converted lie. The
reply has ``run``, the run's folder, ``questions`` that it was trained on, ``steps``, ``seconds``,
and ``exact``, the best share of validation answers that are right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.programs.json_lines import serve
from exallm.models.minilm_source import minilm_folder
from exallm.models.run_source import run_source
from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import parse_source
from exallm_trainer.recipe import read_recipe, recipe_file
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.train import train

_VALIDATION_SHARE = 0.1


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Prepare, train, and convert what was trained, so that it can be packaged without torch."""
    folder, models = Path(request["folder"]), Path(request["models"])
    sources = [parse_source(f"training=squad:{request['training']}")]
    held_out = [parse_source(f"held-out=squad:{request['held_out']}")]
    settings = PrepareSettings(validation_share=_VALIDATION_SHARE)
    data = prepare(PrepareRequest(sources, held_out, settings), folder / "data")
    asked = TrainRequest(
        recipe=read_recipe(recipe_file("span")),
        base=str(minilm_folder(models, lambda step: None)),
        data=data,
        cpu=True,
    )
    runs = RunFolder(folder / "run")
    record = train(asked, runs)
    run_source(runs.path, None, models, lambda step: None)
    return {
        "run": str(runs.path),
        "questions": len(data.train),
        "steps": record.steps,
        "seconds": record.seconds,
        "exact": record.best_exact,
    }


if __name__ == "__main__":
    serve(run)
