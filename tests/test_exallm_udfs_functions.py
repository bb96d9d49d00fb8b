"""The scripts of sql/udfs that need no model, or fail before they load one."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

from exallm.local.sql_error import SqlError
from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.inference import Inference
from exallm_udfs.manifest import EngineFiles, GenerationDefaults, Manifest, PromptSettings
from exallm_udfs.package import describe_file, package_sha256
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry
from tests.udf_harness import Rows, Runtime

PATH = "/buckets/bfsdefault/default/exallm/models/qa/v1"
DIGEST = "0123456789abcdef" * 4
ERRORS = ExallmError, SqlError


def test_compile_registry_gives_the_documented_text(runtime: Runtime) -> None:
    rows = [
        ("VERSION", "qa", 1, None, PATH, DIGEST),
        ("VERSION", "qa", 12, None, PATH, DIGEST),
        ("ALIAS", "qa", 12, "champion", None, None),
        ("VERSION", "embedder", 1, None, PATH, DIGEST),
        (None, None, None, None, None, None),
    ]
    text = runtime.run("COMPILE_REGISTRY", rows)[0][0]
    entry = {"path": PATH, "sha256": DIGEST}
    assert json.loads(base64.b64decode(text)) == {
        "format": 1,
        "models": {
            "embedder": {"aliases": {}, "versions": {"1": entry}},
            "qa": {"aliases": {"champion": 12}, "versions": {"1": entry, "12": entry}},
        },
    }
    for seed in range(5):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert runtime.run("COMPILE_REGISTRY", shuffled) == [(text,)]


def test_compile_registry_without_models(runtime: Runtime) -> None:
    text = runtime.run("COMPILE_REGISTRY", [(None, None, None, None, None, None)])[0][0]
    assert Registry.decode(text) == Registry({})


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("ALIAS", "qa", 1, "champion", None, None)], "version 1, which is not there"),
        ([("VERSION", "qa", 1, None, PATH, None)], "sha256"),
        ([("VERSION", "qa", 1, None, "/tmp/qa", DIGEST)], "/buckets"),
        ([("VERSION", None, 1, None, PATH, DIGEST)], "no model"),
        ([("version", "qa", 1, None, PATH, DIGEST)], "neither VERSION nor ALIAS"),
        ([("VERSION", "qa", 1, None, PATH + tail, DIGEST) for tail in ("", "0")], "two packages"),
        (
            [
                ("VERSION", "qa", 1, None, PATH, DIGEST),
                ("VERSION", "qa", 2, None, PATH, DIGEST),
                ("ALIAS", "qa", 1, "champion", None, None),
                ("ALIAS", "qa", 2, "champion", None, None),
            ],
            "names two versions",
        ),
    ],
)
def test_compile_registry_refuses_what_contradicts_itself(
    runtime: Runtime, rows: Rows, problem: str
) -> None:
    with pytest.raises(ERRORS, match=f"E-EXALLM-MODEL-15: .*{problem}"):
        runtime.run("COMPILE_REGISTRY", rows)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(BUCKETS_ROOT_VARIABLE, str(tmp_path))
    folder = tmp_path.joinpath(*PATH.split("/")[2:])
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"GGUF, but no model")
    manifest = Manifest(
        name="qa",
        version=1,
        task="generate",
        base=None,
        engines={"openvino": EngineFiles("model.gguf")},
        files=(describe_file(folder / "model.gguf", folder),),
        prompt=PromptSettings("{ctx}", ()),
        generation=GenerationDefaults(8),
        context_length=100,
        tokenizer="model.gguf",
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
    )
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder


def test_verify_package_emits_one_row_for_a_whole_package(runtime: Runtime, package: Path) -> None:
    row = (PATH, package_sha256(package))
    assert runtime.run("VERIFY_PACKAGE", [row]) == [(0, PATH, None)]
    assert runtime.run("VERIFY_PACKAGE", [row] * 5) == [(0, PATH, None)]


def test_verify_package_emits_a_row_for_each_problem(runtime: Runtime, package: Path) -> None:
    (package / "model.gguf").write_bytes(b"GGUF, but no mode1")
    (package / "more.txt").write_text("")
    assert runtime.run("VERIFY_PACKAGE", [(PATH, package_sha256(package))]) == [
        (0, "model.gguf", "has another sha256 than the manifest says"),
        (0, "more.txt", "is not in the manifest"),
    ]


@pytest.mark.parametrize(
    "row",
    [(PATH + "9", DIGEST), ("/etc", DIGEST), (None, DIGEST), (PATH, None), (PATH, "not a digest")],
)
def test_verify_package_survives_whatever_it_is_given(
    runtime: Runtime, package: Path, row: tuple[Any, Any]
) -> None:
    emitted = runtime.run("VERIFY_PACKAGE", [row])
    assert len(emitted) == 1
    assert emitted[0][0] == 0
    assert emitted[0][2]


def registry(sha256: str) -> Registry:
    return Registry(
        {"qa": RegisteredModel({1: RegisteredVersion("qa", 1, PATH, sha256)}, {"champion": 1})}
    )


def test_null_and_blank_rows_need_neither_registry_nor_model(runtime: Runtime) -> None:
    rows = [(None,), ("   \n",)]
    assert runtime.run("GPT2_INFERENCE", rows) == [(None,), (None,)]
    assert runtime.run("TOKEN_COUNT", [(None, "a"), ("qa", None)]) == [(None,), (None,)]


def test_a_reference_or_option_that_is_wrong_is_told_before_any_row() -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-1:"):
        Inference(None, "QA")
    with pytest.raises(ExallmError, match="E-EXALLM-SQL-2:"):
        Inference(None, "qa", '{"beams": 3}')


def test_an_unknown_model_names_those_there_are(runtime: Runtime, package: Path) -> None:
    known = registry(package_sha256(package))
    with pytest.raises(ERRORS, match="the models there are: qa"):
        runtime.run("TOKEN_COUNT", [("qb", "a")], known)


@pytest.mark.parametrize("script", ["GPT2_INFERENCE", "TOKEN_COUNT"])
def test_a_broken_package_stops_the_statement_with_one_line(
    runtime: Runtime, package: Path, script: str
) -> None:
    row = ("Question",) if script == "GPT2_INFERENCE" else ("qa", "Question")
    whole = package_sha256(package)
    with pytest.raises(ERRORS, match="E-EXALLM-MODEL-10:"):
        runtime.run(script, [row], registry(DIGEST))
    with pytest.raises(ERRORS, match="E-EXALLM-MODEL-12:"):
        runtime.run(script, [row], registry(whole))
    (package / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(ERRORS, match=r"E-EXALLM-MODEL-11:.*model.gguf has 4 bytes"):
        runtime.run(script, [row], registry(whole))
    (package / "manifest.json").unlink()
    with pytest.raises(ERRORS, match="E-EXALLM-MODEL-7:"):
        runtime.run(script, [row], registry(whole))
