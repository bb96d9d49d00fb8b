"""Training in two processes, with whole weights in each (DDP) and with sharded ones (FSDP)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.processes import SHARDED, TWO
from exallm_trainer.run_folder import METRICS_FILE
from exallm_udfs.errors import ExallmError
from tests.test_trainer_train import lines
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def launched(
    base: Path, run: Path, method: str, how: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """Train in one process, in two, or in two with sharded weights."""
    launcher = () if how == "one" else TWO
    command = [sys.executable, *launcher, "-m", "tests.training_program"]
    return subprocess.run(
        [*command, str(base), method, str(run), *more],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        | (SHARDED if how == "sharded" else {}),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


def trained(base: Path, run: Path, method: str, how: str, *more: str) -> str:
    """What a launch printed that ended well."""
    done = launched(base, run, method, how, *more)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize("method", ["lora", "finetune"])
def test_two_processes_take_the_steps_of_one(base: Path, tmp_path: Path, method: str) -> None:
    """Three samples: the last step of an epoch has fewer samples than there are processes."""
    from safetensors.torch import load_file

    seen = {
        how: trained(base, tmp_path / how, method, how, "2") for how in ("one", "two", "sharded")
    }
    assert seen == {"one": "1 NO", "two": "2 MULTI_CPU", "sharded": "2 FSDP"}
    one = lines(tmp_path / "one")
    assert len(one) == 12
    (weights,) = (file.name for file in (tmp_path / "one" / "best").glob("*.safetensors"))
    best = load_file(tmp_path / "one" / "best" / weights)
    for how in ("two", "sharded"):
        other = lines(tmp_path / how)
        for name in ("loss", "gradient_norm", "validation_loss"):
            found = [line[name] for line in other if name in line]
            assert found == pytest.approx([line[name] for line in one if name in line], abs=1e-4)
        tensors = load_file(tmp_path / how / "best" / weights)
        assert tensors.keys() == best.keys()
        assert all((tensors[key] - best[key]).abs().max() < 1e-3 for key in best)


def test_a_stopped_run_of_sharded_weights_goes_on(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path / "whole", "finetune", "one", "2")
    trained(base, tmp_path / "run", "finetune", "sharded", "2", "1e-9")
    assert not (tmp_path / "run" / METRICS_FILE).exists()
    trained(base, tmp_path / "run", "finetune", "sharded", "2")
    losses = [[line["loss"] for line in lines(tmp_path / run)] for run in ("whole", "run")]
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_a_checkpoint_goes_from_sharded_processes_to_one(base: Path, tmp_path: Path) -> None:
    """What lies on the disk is whole, so the next launch may be another."""
    trained(base, tmp_path / "run", "lora", "sharded", "2")
    whole = lines(tmp_path / "run")
    put_back(tmp_path / "run")
    trained(base, tmp_path / "run", "lora", "one", "2")
    again = lines(tmp_path / "run")
    assert [line["step"] for line in again] == [line["step"] for line in whole]
    for name in ("loss", "validation_loss"):
        found = [line[name] for line in again if name in line]
        assert found == pytest.approx([line[name] for line in whole if name in line], abs=1e-4)


def put_back(run: Path) -> None:
    """To the last checkpoint but one, as if it had been stopped there."""
    for checkpoint in sorted((run / "checkpoints").iterdir())[1:]:
        shutil.rmtree(checkpoint)
    record = (run / "run.json").read_text()
    (run / "run.json").write_text(record.replace('"finished"', '"stopped"'))


def test_each_process_draws_the_dropout_of_its_step_again(base: Path, tmp_path: Path) -> None:
    asked = (base, tmp_path / "run", "lora", "two", "2", "", "0.3")
    trained(*asked)
    whole = [line["loss"] for line in lines(tmp_path / "run")]
    put_back(tmp_path / "run")
    trained(*asked)
    assert [line["loss"] for line in lines(tmp_path / "run")] == whole


def test_processes_that_do_not_see_the_same_run_all_refuse(base: Path, tmp_path: Path) -> None:
    asked = (base, tmp_path / "{rank}", "lora", "two", "2")
    trained(*asked, "1e-9")
    refused = launched(*asked)
    assert refused.returncode != 0
    problem = "E-EXALLM-TRAIN-13: the processes of this run do not see the same run folder"
    assert refused.stderr.count(f"ExallmError: {problem}") == 2, refused.stderr
    assert not (tmp_path / "0" / METRICS_FILE).exists() and not (tmp_path / "1").exists()


def test_more_processes_than_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from exallm_trainer.device import require_device_each

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_device_each(torch.device("cuda"), 2)
    require_device_each(torch.device("cpu"), 64)
    for kind, devices in (("cuda", 2), ("mps", 1)):
        with pytest.raises(ExallmError, match=rf"E-EXALLM-TRAIN-12: 3 processes .* are {devices}"):
            require_device_each(torch.device(kind), 3)
