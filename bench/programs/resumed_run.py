"""A short LoRA run that may be killed on the way.

Arguments: the GGUF. A request names ``examples``, ``folder`` and ``kill_at``, a step, or 0 for
none. The reply has ``checkpoint``, the folder of the last checkpoint.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from bench.programs.json_lines import serve
from bench.programs.lora_request import examples_of, lora_request
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.report import StepReport
from exallm_trainer.train.train import train


def run(gguf: str, request: dict[str, Any]) -> dict[str, Any]:
    """Train, or go on, with a checkpoint every third step."""

    def killed(report: StepReport) -> None:
        if report.step == request["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    folder = RunFolder(Path(request["folder"]))
    examples = examples_of(request["examples"])
    asked = lora_request(gguf, examples, warmup_steps=2, validate_every=3)
    record = train(asked, folder, killed)
    return {"checkpoint": str(folder.checkpoints / f"step-{record.steps:08d}")}


if __name__ == "__main__":
    serve(lambda request: run(sys.argv[1], request))
