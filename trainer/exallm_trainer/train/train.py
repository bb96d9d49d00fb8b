"""Train a model by a recipe: from a base and examples to a checkpoint that validation chose."""

from __future__ import annotations

import os
from contextlib import nullcontext

from accelerate import PartialState

from exallm_trainer.device import require_device_each
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.agreement import require_agreement
from exallm_trainer.train.report import Observer, unobserved
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.run import Run, computing_device
from exallm_trainer.train.run_record import RunRecord, begin_record
from exallm_udfs.errors import ExallmError


def train(request: TrainRequest, folder: RunFolder, observe: Observer = unobserved) -> RunRecord:
    """Train, or continue what stands in the folder, until the recipe or the time is at its end.

    A run that was killed, stopped or ran out of disk is continued by the same call, to the same
    bits on a CPU. A finished run is not trained again. Under a launcher of accelerate or torchrun
    every process makes the same call.

    :raises ExallmError: E-EXALLM-TRAIN-1 to -13: a recipe or launch that contradicts the device, a
        base that cannot be read, too little memory, a folder in use or of another run, a disk that
        is full, loss that is no number or grows, processes that do not see the same run.
    """
    device = computing_device(request)
    # What torchrun, and accelerate through it, tells each process that it starts.
    require_device_each(device, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    is_main = PartialState(cpu=device.type == "cpu").is_main_process
    # The other processes of a distributed run read the folder, which the main one alone writes.
    with folder.locked() if is_main else nullcontext():
        identity = {name: repr(value) for name, value in request.identity().items()}
        require_agreement({"run folder": folder.seen(), **identity})
        record = begin_record(request, folder)
        if record.state == "finished":
            return record
        run = Run(request, folder, record)
        try:
            run.go(observe)
        except ExallmError as error:
            if error.code == "E-EXALLM-TRAIN-8" and is_main:
                folder.write(run.record.failed(error.problem, run.position).values())
            raise
        return run.record
