"""From texts to a model by the commands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm.cli.main import exallm
from exallm_udfs.errors import ExallmError
from tests.trainer_prepared_texts import prepare_texts
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer

RECIPE = """
method = "scratch"
[architecture]
block_size = 32
n_layer = 1
n_head = 2
n_embd = 16
[optimisation]
learning_rate = 1e-2
precision = "fp32"
"""


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(exallm, [str(argument) for argument in arguments])


def test_from_texts_to_a_model_that_is_evaluated(tmp_path: Path) -> None:
    data, recipe, run = prepare_texts(tmp_path), tmp_path / "own.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    other = save_tiny_model(tmp_path / "other", "gpt2", learnt=())
    own = tmp_path / "own"
    asked = ("tokenizer", "train", "--data", data, "--vocabulary", 300, "--against", other)
    assert call(*asked, "--out", own).exit_code == 0
    train = ("train", recipe, "--data", data, "--out", run, "--cpu")
    refused = call(*train)
    assert isinstance(refused.exception, ExallmError)
    assert "exallm tokenizer train" in str(refused.exception)
    result = call(*train, "--tokenizer", own)
    assert result.exit_code == 0, result.output
    assert "bits a byte of the validation texts" in result.output
    record = json.loads(call(*train, "--tokenizer", own, "--json").stdout)
    assert record["state"] == "finished"
    assert record["best_bits_per_byte"] > 0
    # The last step of the run is a model, too.
    (step,) = (run / "checkpoints").iterdir()
    judged = call("evaluate", step, "--data", data, "--rows", 2, "--cpu", "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)


def test_a_sweep_of_models_from_scratch_and_of_shares_of_former_data(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the trainer's packages are not installed")
    data, recipe = prepare_texts(tmp_path), tmp_path / "sweep.toml"
    recipe.write_text(RECIPE + "[sweep]\narchitecture.block_size = { choices = [16, 32] }\n")
    for name, vocabulary in (("own", 300), ("other", 290)):
        asked = ("tokenizer", "train", "--data", data, "--vocabulary", vocabulary)
        assert call(*asked, "--out", tmp_path / name).exit_code == 0
    common = ("--data", data, "--minutes", 30, "--cpu")
    sweep = ("sweep", recipe, *common, "--out", tmp_path / "out", "--json")
    record = json.loads(call(*sweep, "--tokenizer", tmp_path / "own").stdout)
    assert len(record["trials"]) == 2 and len(record["asked"]["tokenizer_sha256"]) == 64
    refused = call(*sweep, "--tokenizer", tmp_path / "other").exception
    assert isinstance(refused, ExallmError) and refused.code == "E-EXALLM-TRAIN-62"
    tiny = save_tiny_model(tmp_path / "tiny", learnt=())
    recipe.write_text(
        'method = "continue"\nbase = "tiny"\n[optimisation]\nlearning_rate = 1e-3\n'
        "[former]\nshare = 0.1\n[sweep]\nformer.share = { choices = [0.1, 0.5] }\n"
    )
    # The own texts do not count as former ones, so there are too few for any share.
    asked = ("sweep", recipe, *common, "--out", tmp_path / "shares", "--base", tiny)
    hopeless = call(*asked, "--former", data).exception
    assert isinstance(hopeless, ExallmError) and hopeless.code == "E-EXALLM-TRAIN-61"
    assert "former texts" in str(hopeless)


def test_another_base_than_that_of_the_recipe(tmp_path: Path) -> None:
    """The digest of the recipe is that of its own base."""
    data, recipe = prepare_texts(tmp_path), tmp_path / "own.toml"
    recipe.write_text(
        f'method = "continue"\nbase = "smollm2"\nbase_sha256 = "{"0" * 64}"\n'
        "[optimisation]\nlearning_rate = 1e-2\nmax_tokens = 48\n"
    )
    other = save_tiny_model(tmp_path / "other", learnt=())
    asked = ("train", recipe, "--data", data, "--out", tmp_path / "run", "--base", other, "--cpu")
    result = call(*asked, "--max-minutes", 1e-9, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["base"] == "other"
