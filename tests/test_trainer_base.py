"""The base of a run: what is recorded of it, and that a run has one alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.run_record import RunRecord
from exallm_udfs.errors import ExallmError
from tests.test_trainer_train import recipe, request
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers."""
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def other_base(base: Path, folder: Path) -> Path:
    """The base with a tensor of its weights changed."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] += 0.5
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_run_goes_on_with_the_base_it_began_with(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    other, folder = other_base(base, tmp_path / "other"), RunFolder(tmp_path / "run")
    asked = replace(request(base, recipe()), max_minutes=1e-9)
    begun = train(asked, folder)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* another base_sha256"):
        train(replace(asked, base=str(other)), folder)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* another base;"):
        train(replace(asked, base=str(other), named_base=str(other)), folder)
    assert (folder.read() or {})["base_sha256"] == begun.base_sha256


def test_another_base_than_the_recipes_own_is_recorded(base: Path, tmp_path: Path) -> None:
    """By its name; the digest of the recipe is not asked of it."""
    from exallm_trainer.evaluate.model_place import model_place
    from exallm_trainer.evaluate.model_under_test import load_model
    from exallm_trainer.train.train import train

    other, run = other_base(base, tmp_path / "other"), tmp_path / "run"
    of = replace(recipe(), base_sha256="0" * 64)
    asked = request(other, of, named_base=str(other), max_minutes=1e-9)
    record = train(asked, RunFolder(run))
    assert record.base == "other"
    config = json.loads((run / "best" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "other"
    place = model_place(str(run))
    for named, problem in ((None, "no such file or folder"), (str(base), "another sha256")):
        with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-3: .*{problem}"):
            load_model(place, named, cpu=True)
    assert load_model(place, str(other), cpu=True).base_sha256 == record.base_sha256


def test_a_base_of_another_sha256_is_refused(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3: .* another sha256"):
        train(request(base, replace(recipe(), base_sha256="0" * 64)), RunFolder(tmp_path / "run"))


def test_a_base_of_the_hub_is_recorded_with_commit_and_sha256(base: Path, tmp_path: Path) -> None:
    """From a cache as the Hub's client keeps it, without a network."""
    commit, kept = "c" * 40, tmp_path / "cache" / "hub" / "models--owner--tiny"
    shutil.copytree(base, kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    program = textwrap.dedent(
        """
        import json, sys
        from pathlib import Path
        from exallm_trainer.run_folder import RunFolder
        from exallm_trainer.train.train import train
        from tests.test_trainer_train import recipe, request

        asked = request(Path("owner/tiny"), recipe(), named_base="owner/tiny", max_minutes=1e-9)
        print(json.dumps(train(asked, RunFolder(Path(sys.argv[1]))).values()))
        """
    )
    hub = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "run"],
        env=os.environ | hub | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    of_folder = train_a_moment(base, tmp_path / "other")
    assert (record["base"], record["base_commit"]) == ("owner/tiny", commit)
    assert record["base_sha256"] == of_folder.base_sha256 and of_folder.base_commit == ""


def train_a_moment(base: Path, run: Path) -> RunRecord:
    from exallm_trainer.train.train import train

    return train(request(base, recipe(), max_minutes=1e-9), RunFolder(run))
