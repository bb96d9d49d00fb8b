"""LoRA training by exallm's trainer, timed.

Arguments: the GGUF, a folder for runs. A request names ``examples`` (those of an
exallm_trainer.example.Example each) and ``samples_per_step``. The reply has ``steps``,
``example_tokens``, ``computed_tokens`` and ``seconds``, summed over the steps, without loading and
validation.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.programs.json_lines import serve
from bench.programs.lora_request import examples_of, lora_request
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.report import StepReport
from exallm_trainer.train.train import train


def timed(gguf: str, runs: str, request: dict[str, Any]) -> dict[str, Any]:
    """Train over the examples once."""
    reports: list[StepReport] = []
    asked = lora_request(
        gguf,
        examples_of(request["examples"]),
        warmup_steps=5,
        samples_per_step=request["samples_per_step"],
        validate_every=100_000,
    )
    with tempfile.TemporaryDirectory(dir=runs) as folder:
        train(asked, RunFolder(Path(folder)), reports.append)
    return {
        "steps": len(reports),
        "example_tokens": sum(report.example_tokens for report in reports),
        "computed_tokens": sum(report.computed_tokens for report in reports),
        "seconds": sum(report.step_seconds for report in reports),
    }


if __name__ == "__main__":
    serve(lambda request: timed(sys.argv[1], sys.argv[2], request))
