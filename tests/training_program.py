"""Trains in all processes launched:

    python -m tests.training_program BASE METHOD RUN SAMPLES [MINUTES [DROPOUT]]

RUN may hold ``{rank}``, for a folder that each process has of its own. Prints how they share the
work; the test compares what stands in the run folder.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from accelerate import Accelerator

from bench.programs.sharded_on_cpu import allow_sharding_on_cpu
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.train import train
from tests.test_trainer_train import recipe, request


def main(
    base: str, method: str, run: str, samples: str, minutes: str = "", dropout: str = "0"
) -> None:
    """Train; the last step of an epoch has one sample where ``samples`` is 2."""
    of = recipe(method, samples_per_step=int(samples), row_tokens=40)
    if of.lora is not None:  # several processes draw other dropouts than one
        of = replace(of, lora=replace(of.lora, dropout=float(dropout)))
    allow_sharding_on_cpu()
    asked = request(Path(base), of, max_minutes=float(minutes) if minutes else None)
    train(asked, RunFolder(Path(run.format(rank=os.environ.get("RANK", "0")))))
    accelerator = Accelerator()
    if accelerator.is_main_process:
        print(accelerator.num_processes, accelerator.distributed_type.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
