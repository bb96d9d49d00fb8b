"""A sweep of the recipe lora on few steps.

Arguments: the GGUF. A request names the examples ``training`` and ``validation``,
``passages_per_step``, ``minutes`` and ``folder``. The reply has the share of validation answers to
the letter of the recipe's ``own`` settings and of the ``best`` trial of as many ``steps``, the
latter's ``settings``, and how many ``trials`` there were and were ``pruned``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.programs.json_lines import serve
from bench.programs.lora_request import examples_of, lora_request
from exallm_trainer.data.prepared import in_memory
from exallm_trainer.sweep.sweep import SweepRequest, run_sweep
from exallm_trainer.sweep.sweep_recipe import Choices, Range, SweepRecipe
from exallm_trainer.sweep.sweep_record import TrialRecord

_LOOKS = 4
_SPACE: dict[str, Range | Choices] = {
    "optimisation.learning_rate": Range(1e-4, 1e-2, log=True),
    "lora.rank": Choices((8, 16, 32)),
    "lora.alpha": Choices((16, 32, 64)),
}


def run(gguf: str, request: dict[str, Any]) -> dict[str, Any]:
    """Sweep for the minutes."""
    training, validation = examples_of(request["training"]), examples_of(request["validation"])
    step = request["passages_per_step"]
    passages = len({example.context for example in training})
    start = lora_request(
        gguf,
        training,
        samples_per_step=step,
        warmup_steps=5,
        validate_every=max(passages // step // _LOOKS, 1),
    )
    start = replace(start, data=in_memory(training, validation))
    sweep = SweepRecipe(start.recipe, _SPACE)
    record = run_sweep(SweepRequest(sweep, start, request["minutes"]), Path(request["folder"]))
    own = _exact(record.trials[0])
    # Trials that were ended early have not taken the same steps.
    finished = [trial for trial in record.ranked() if trial.state == "finished"]
    best = finished[0] if finished else record.trials[0]
    return {
        "own": own,
        "best": max(own, _exact(best)),
        "settings": best.settings,
        "steps": best.looks[-1].step,
        "trials": len(record.trials),
        "pruned": sum(trial.state == "pruned" for trial in record.trials),
    }


def _exact(trial: TrialRecord) -> float:
    return max(look.exact or 0.0 for look in trial.looks)


if __name__ == "__main__":
    serve(lambda request: run(sys.argv[1], request))
