"""``python -m bench.programs.launched_run REQUEST``: a short LoRA run in fp32, in any launch.

REQUEST is a JSON file with ``gguf``, ``examples`` and ``folder``; the run folder has the figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.programs.lora_request import examples_of, lora_request
from bench.programs.sharded_on_cpu import allow_sharding_on_cpu
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.train import train


def run(file: Path) -> None:
    """Train; under a launcher every process makes the same call."""
    allow_sharding_on_cpu()
    request = json.loads(file.read_text())
    asked = lora_request(
        request["gguf"], examples_of(request["examples"]), warmup_steps=2, precision="fp32"
    )
    train(asked, RunFolder(Path(request["folder"])))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
