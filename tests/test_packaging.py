"""From a run to a package, its script, and a registered version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from exallm.installer.install import activate_local_language, apply_plan, plan_install
from exallm.installer.models import register_package
from exallm.installer.packaging import PackageRequest
from exallm.installer.registration import install_script, install_script_name
from exallm.installer.sql_files import split_statements
from exallm.installer.target import Target
from exallm.local.engine_home import EngineHome
from exallm.models.package_folder import write_package
from exallm.models.run_source import qa_run, read_run, run_source
from exallm.models.source import ModelSettings, PackageSource
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import GenerationDefaults, Manifest, PromptSettings, Training
from tests.engine_harness import quiet, target_on

PATH = "/buckets/bfsdefault/default/exallm/models/qa/v1"


@pytest.fixture
def source(tmp_path: Path) -> PackageSource:
    folder = tmp_path / "source"
    (folder / "openvino").mkdir(parents=True)
    (tmp_path / "run.json").write_text('{"run_id": "run-1"}')
    (folder / "openvino" / "openvino_model.xml").write_text("<model it's=''/>")
    (folder / "openvino" / "openvino_tokenizer.xml").write_text("<tokenizer/>")
    return PackageSource(
        folder=folder,
        files=("openvino/openvino_model.xml", "openvino/openvino_tokenizer.xml"),
        engine_path="openvino",
        tokenizer="openvino/openvino_tokenizer.xml",
        settings=ModelSettings(
            prompt=PromptSettings("It's: {ctx}", ("\n",)),
            generation=GenerationDefaults(8),
            context_length=64,
            licence="MIT",
        ),
        added={"training/run.json": tmp_path / "run.json"},
        training=Training("run-1", ("0" * 64,), 0, {"torch": "2.13.0"}),
        evaluation=({"measurement": "it's made up", "f1": 1.5},),
    )


@pytest.fixture
def target(engine: EngineHome, connection: Any) -> Target:
    target = target_on(engine, "PACKAGING")
    activate_local_language(connection, target.language)
    apply_plan(connection, plan_install(connection, target), lambda step: None)
    return target


def run_folder(folder: Path, **changed: Any) -> Path:
    record = {
        "run_id": "r",
        "state": "finished",
        "reason": None,
        "recipe": {"method": "lora", "optimisation": {"seed": 3}},
        "base": "smollm2",
        "base_sha256": "1" * 64,
        "data_sha256": "2" * 64,
        "versions": {"torch": "2.13.0"},
    }
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(record | changed))
    (folder / "card.json").write_text("{}")
    return folder


def test_a_package_says_where_its_weights_come_from(source: PackageSource, tmp_path: Path) -> None:
    manifest = write_package(source, "qa", 7, tmp_path / "package")
    text = (tmp_path / "package" / "manifest.json").read_text()
    assert Manifest.from_json(text) == manifest
    assert manifest.training == source.training and manifest.evaluation == source.evaluation
    assert "training/run.json" in {file.path for file in manifest.files}
    for file in manifest.files:
        content = (tmp_path / "package" / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)


def test_the_script_registers_the_version_from_any_client(
    source: PackageSource, tmp_path: Path, target: Target, connection: Any
) -> None:
    package = tmp_path / "package"
    manifest = write_package(source, "qa", 1, package)
    bucket = target.bucket.path() / "exallm/models/qa/v1"
    for file in package.rglob("*"):
        if file.is_file():
            (bucket / file.relative_to(package).as_posix()).write(file.read_bytes())
    script = install_script("PACKAGING", manifest, manifest.to_json(), PATH)
    assert install_script_name(manifest) == "install_qa_v1.sql"
    statements = list(split_statements(script))
    assert statements[-1] == "COMMIT" and len(statements) == 2
    for statement in statements:
        connection.execute(statement)
    rows = connection.execute(
        "SELECT MODEL_VERSION, PACKAGE_PATH, MANIFEST FROM PACKAGING.MODEL_VERSIONS"
    ).fetchall()
    assert rows == [(1, PATH, manifest.to_json())]


def test_a_registered_package_is_registered_once_and_never_replaced(
    source: PackageSource, tmp_path: Path, target: Target, connection: Any
) -> None:
    package = tmp_path / "package"
    write_package(source, "other", 4, package)
    arguments = (connection, target, package, None, quiet, quiet)
    assert register_package(*arguments).is_new
    assert not register_package(*arguments).is_new
    changed = tmp_path / "changed"
    (source.folder / "openvino" / "openvino_model.xml").write_text("<other/>")
    write_package(source, "other", 4, changed)
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-20"):
        register_package(connection, target, changed, None, quiet, quiet)


def test_a_package_that_lacks_a_file_is_not_uploaded(
    source: PackageSource, tmp_path: Path, target: Target, connection: Any
) -> None:
    package = tmp_path / "package"
    write_package(source, "qa", 2, package)
    (package / "openvino" / "openvino_model.xml").unlink()
    with pytest.raises(ExallmError, match=r"E-EXALLM-MODEL-11: .*openvino_model\.xml is missing"):
        register_package(connection, target, package, None, quiet, quiet)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"state": "failed", "reason": "the loss is nan"}, "it has failed: the loss is nan"),
        ({"state": "running"}, "not come to its end"),
        ({}, "its base is smollm2, which was not named"),
    ],
)
def test_a_run_that_cannot_be_packaged_says_why(
    tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    folder = run_folder(tmp_path / "run", **changed)
    with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-11: .*{problem}"):
        run_source(folder, None, tmp_path, quiet)


def test_a_run_without_its_data_card_is_not_packaged(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    (folder / "card.json").unlink()
    with pytest.raises(ExallmError, match=r"it has no card\.json"):
        run_source(folder, None, tmp_path, quiet)


def test_a_package_keeps_the_card_of_the_former_data(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", former_sha256="3" * 64)
    with pytest.raises(ExallmError, match=r"it has no former-card\.json"):
        read_run(folder)
    (folder / "former-card.json").write_text("{}")
    assert read_run(folder).cards == ("card.json", "former-card.json")


def test_an_adapter_is_not_merged_into_another_base(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    with pytest.raises(ExallmError, match=r"other\.gguf is not the file it was trained on"):
        run_source(folder, other, tmp_path, quiet)


def test_the_run_that_ships_is_whole() -> None:
    run = read_run(qa_run())
    assert run.method == "lora" and run.best.is_dir()
    weights = run.best / "adapter_model.safetensors"
    assert weights.stat().st_size < 16_000_000
    assert run.evaluation()


def test_bad_requests_are_refused_before_anything_is_computed(tmp_path: Path) -> None:
    def request(**changed: Any) -> PackageRequest:
        values = {
            "run": tmp_path,
            "name": "qa",
            "version": 1,
            "out": tmp_path / "new",
            "base": None,
            "data": None,
            "rows": 1,
            "schema": "EXALLM",
            "bucket": "/buckets/a/b",
        }
        return PackageRequest(**(values | changed))

    request()
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-30"):
        request(out=tmp_path)
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-2:"):
        request(bucket="default")
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-1: 0 is not a version"):
        request(version=0)
