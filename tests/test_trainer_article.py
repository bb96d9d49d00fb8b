"""The article's own way: a GPT-2 from scratch or fine-tuned, packaged, registered, asked in SQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm.installer.install import activate_local_language, apply_plan, plan_install
from exallm.installer.models import register_package
from exallm.installer.packaging import PackageRequest, package_run
from exallm.local.engine_home import EngineHome
from exallm.sql_text import quote_text
from exallm_trainer.data.prepared import in_memory
from exallm_trainer.recipe import Architecture, read_recipe, recipe_file
from exallm_trainer.run_folder import RunFolder
from exallm_udfs.package import read_manifest
from tests.engine_harness import quiet, target_on
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model

pytestmark = pytest.mark.hub


def registered(run: Path, schema: str, engine: EngineHome, connection: Any) -> None:
    """Package a run, and register it as the model qa of a new schema."""
    asked = PackageRequest(
        run=run,
        name="qa",
        version=1,
        out=run.parent / "qa-v1",
        base=None,
        data=None,
        rows=1,
        schema=schema,
        bucket="/buckets/bfsdefault/default",
    )
    made = package_run(asked, run.parent / "models", quiet)
    assert (made.package / "checkpoint" / "model.safetensors").is_file()
    assert set(read_manifest(made.package).engines) == {"openvino", "torch"}
    target = target_on(engine, schema)
    activate_local_language(connection, target.language)
    apply_plan(connection, plan_install(connection, target), quiet)
    register_package(connection, target, made.package, None, quiet, quiet)


def test_a_finetuned_gpt2_answers_in_sql(
    tmp_path: Path, engine: EngineHome, connection: Any
) -> None:
    from exallm_trainer.train.request import TrainRequest
    from exallm_trainer.train.train import train

    base = save_tiny_model(tmp_path / "base", "gpt2", learnt=())
    recipe = read_recipe(recipe_file("finetune"))
    settings = replace(
        recipe.optimisation,
        learning_rate=5e-3,
        warmup_steps=5,
        epochs=120,
        validate_every=60,
        precision="fp32",
        max_tokens=256,
    )
    request = TrainRequest(
        recipe=replace(recipe, base="tiny-gpt2", optimisation=settings),
        base=str(base),
        data=in_memory(EXAMPLES, EXAMPLES),
        cpu=True,
    )
    record = train(request, RunFolder(tmp_path / "run"))
    assert record.best_exact == 1.0
    registered(tmp_path / "run", "ARTICLE", engine, connection)
    for example in EXAMPLES[:3]:
        sql = f"SELECT ARTICLE.GPT2_INFERENCE({quote_text(example.prompt())})"
        assert connection.execute(sql).fetchall() == [(example.answers[0],)]


def test_a_model_from_scratch_completes_texts_in_sql(
    tmp_path: Path, engine: EngineHome, connection: Any
) -> None:
    from exallm_trainer.tokenizer.train import TokenizerSettings, save_tokenizer, train_tokenizer
    from exallm_trainer.train.request import TrainRequest
    from exallm_trainer.train.train import train

    data = in_memory(EXAMPLES, EXAMPLES)
    save_tokenizer(train_tokenizer(data, TokenizerSettings(300)), tmp_path / "tokenizer")
    recipe = read_recipe(recipe_file("scratch"))
    settings = replace(
        recipe.optimisation,
        learning_rate=5e-3,
        warmup_steps=5,
        epochs=120,
        validate_every=60,
        precision="fp32",
        weight_decay=0.0,
    )
    small = Architecture(block_size=32, n_layer=2, n_head=4, n_embd=64)
    request = TrainRequest(
        recipe=replace(recipe, optimisation=settings, architecture=small),
        base="",
        data=data,
        tokenizer=tmp_path / "tokenizer",
        cpu=True,
    )
    record = train(request, RunFolder(tmp_path / "run"))
    assert record.best_bits_per_byte is not None and record.best_bits_per_byte < 0.2
    registered(tmp_path / "run", "SCRATCH", engine, connection)
    sql = "SELECT SCRATCH.AI_COMPLETE('qa', 'The mill of Leith was')"
    ((text,),) = connection.execute(sql).fetchall()
    assert text.startswith("built in 1682 by")
