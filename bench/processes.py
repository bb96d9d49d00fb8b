"""Two processes beside one, step by step: with whole weights in each, and with sharded ones."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.environments import TRAINER
from bench.error import BenchError
from bench.project import PROJECT
from bench.result import Result
from bench.training_bench import TrainingBench
from bench.training_speed import examples_of

_PASSAGES = 40
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
SHARDED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
}


def measure(bench: TrainingBench) -> list[Result]:
    """The largest difference of a step's loss, in nats."""
    contexts = set(list(dict.fromkeys(one.context for one in bench.training))[:_PASSAGES])
    rows = examples_of([one for one in bench.training if one.context in contexts])
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        request = {"gguf": str(bench.gguf), "examples": rows}
        one = _losses(bench, Path(folder, "one"), request, (), {})
        two = _losses(bench, Path(folder, "two"), request, TWO, {})
        sharded = _losses(bench, Path(folder, "sharded"), request, TWO, SHARDED)
    replicated, split = _apart(one, two), _apart(one, sharded)
    detail = (
        f"{len(one)} steps of LoRA in fp32 on {len(rows)} questions, loss {one[0]:.3f} to"
        f" {one[-1]:.3f}; DDP {replicated:.1e} apart, FSDP {split:.1e}, two processes on the CPU"
    )
    return [Result("ddp_equal", max(replicated, split), detail)]


def _losses(
    bench: TrainingBench,
    folder: Path,
    request: Mapping[str, object],
    launcher: tuple[str, ...],
    settings: Mapping[str, str],
) -> list[float]:
    bench.say(f"training: {folder.name}")
    file = folder.with_suffix(".json")
    file.write_text(json.dumps({**request, "folder": str(folder)}))
    command = [str(TRAINER.python(bench.folder, bench.say)), *launcher]
    done = subprocess.run(
        [*command, "-m", "bench.programs.launched_run", str(file)],
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"a run in two processes failed: {done.stderr[-500:]}")
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def _apart(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        raise BenchError(f"{len(other)} steps were taken instead of {len(one)}")
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
