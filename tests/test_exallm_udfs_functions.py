"""The bodies of sql/udfs on exasol-udf-mock-python, without a model."""

from __future__ import annotations

import base64
import json
import random
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from exasol_udf_mock_python.column import Column
from exasol_udf_mock_python.group import Group
from exasol_udf_mock_python.mock_exa_environment import MockExaEnvironment
from exasol_udf_mock_python.mock_meta_data import MockMetaData
from exasol_udf_mock_python.udf_mock_executor import UDFMockExecutor

from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.inference import Inference
from exallm_udfs.manifest import EngineFiles, GenerationDefaults, Manifest, PromptSettings
from exallm_udfs.package import describe_file, package_sha256
from exallm_udfs.registry import Registry

UDFS = Path(__file__).parents[1] / "sql" / "udfs"
PATH = "/buckets/bfsdefault/default/exallm/models/qa/v1"
DIGEST = "0123456789abcdef" * 4
TYPES = {"VARCHAR": str, "DECIMAL": int}

Rows = list[tuple[Any, ...]]


class Metadata(MockMetaData):
    """Takes the script's text as it stands in the SQL file, where the mock wants a function."""

    def __init__(self, body: str, **signature: Any) -> None:
        super().__init__(None, **signature)
        self._script_code = body


class Environment(MockExaEnvironment):
    """Adds import_script, which the mock leaves out."""

    def __init__(self, metadata: MockMetaData, scripts: dict[str, str]) -> None:
        super().__init__(metadata)
        self._scripts = scripts

    def import_script(self, schema_script_name: str) -> ModuleType:
        module = ModuleType(schema_script_name)
        vars(module)["REGISTRY"] = self._scripts[schema_script_name]
        return module


def columns(text: str) -> list[Column]:
    found = re.findall(r"(\w+) ((VARCHAR|DECIMAL)\(\d+(?:, \d+)?\))", text)
    return [Column(name, TYPES[kind], sql_type) for name, sql_type, kind in found]


def run_script(file: str, rows: Rows, registry: Registry | None = None) -> Rows:
    """Run the script of a SQL file over one group of rows; its output rows."""
    match = re.search(
        r"PYTHON3_EXALLM (SCALAR|SET) SCRIPT (\w+) \((.*?)\)\s(RETURNS|EMITS) (.*?) AS\n(.*?)\n/\n",
        (UDFS / file).read_text(),
        re.DOTALL,
    )
    assert match is not None
    kind, name, inputs, output, results, body = match.groups()
    metadata = Metadata(
        re.sub(r"^%.*\n", "", body, flags=re.MULTILINE),
        input_columns=columns(inputs),
        input_type=kind,
        output_columns=columns(results if output == "EMITS" else f"result {results}"),
        output_type=output,
        script_name=name,
        script_schema="EXALLM",
        node_id=3,
    )
    scripts = {} if registry is None else {"EXALLM.REGISTRY": registry.encode()}
    groups = UDFMockExecutor().run([Group(rows)], Environment(metadata, scripts))
    return list(groups[0].rows)


def test_compile_registry_gives_the_documented_text() -> None:
    rows = [
        ("VERSION", "qa", 1, None, PATH, DIGEST),
        ("VERSION", "qa", 12, None, PATH, DIGEST),
        ("ALIAS", "qa", 12, "champion", None, None),
        ("VERSION", "embedder", 1, None, PATH, DIGEST),
        (None, None, None, None, None, None),
    ]
    text = run_script("U__compile_registry.sql", rows)[0][0]
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
        assert run_script("U__compile_registry.sql", shuffled) == [(text,)]


def test_compile_registry_without_models() -> None:
    text = run_script("U__compile_registry.sql", [(None, None, None, None, None, None)])[0][0]
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
def test_compile_registry_refuses_what_contradicts_itself(rows: Rows, problem: str) -> None:
    with pytest.raises(ExallmError, match=problem) as caught:
        run_script("U__compile_registry.sql", rows)
    assert caught.value.code == "E-EXALLM-MODEL-15"


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


def test_verify_package_emits_one_row_for_a_whole_package(package: Path) -> None:
    row = (PATH, package_sha256(package))
    assert run_script("U__verify_package.sql", [row]) == [(3, PATH, None)]
    assert run_script("U__verify_package.sql", [row] * 5) == [(3, PATH, None)]


def test_verify_package_emits_a_row_for_each_problem(package: Path) -> None:
    (package / "model.gguf").write_bytes(b"GGUF, but no mode1")
    (package / "more.txt").write_text("")
    assert run_script("U__verify_package.sql", [(PATH, package_sha256(package))]) == [
        (3, "model.gguf", "has another sha256 than the manifest says"),
        (3, "more.txt", "is not in the manifest"),
    ]


@pytest.mark.parametrize(
    "row",
    [(PATH + "9", DIGEST), ("/etc", DIGEST), (None, DIGEST), (PATH, None), (PATH, "not a digest")],
)
def test_verify_package_survives_whatever_it_is_given(package: Path, row: tuple[Any, Any]) -> None:
    emitted = run_script("U__verify_package.sql", [row])
    assert len(emitted) == 1
    assert emitted[0][0] == 3
    assert emitted[0][2]


def registry(sha256: str) -> Registry:
    rows = [
        ("VERSION", "qa", 1, None, PATH, sha256),
        ("ALIAS", "qa", 1, "champion", None, None),
    ]
    return Registry.decode(run_script("U__compile_registry.sql", rows)[0][0])


def test_null_and_blank_rows_need_neither_registry_nor_model() -> None:
    rows = [(None,), ("   \n",)]
    assert run_script("U__gpt2_inference.sql", rows) == [(None,), (None,)]
    assert run_script("U__token_count.sql", [(None, "a"), ("qa", None)]) == [(None,), (None,)]


def test_a_reference_or_option_that_is_wrong_is_told_before_any_row() -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-1:"):
        Inference(None, "QA")
    with pytest.raises(ExallmError, match="E-EXALLM-SQL-2:"):
        Inference(None, "qa", '{"beams": 3}')


def test_an_unknown_model_names_those_there_are(package: Path) -> None:
    known = registry(package_sha256(package))
    with pytest.raises(ExallmError, match="the models there are: qa"):
        run_script("U__token_count.sql", [("qb", "a")], known)


@pytest.mark.parametrize("script", ["U__gpt2_inference.sql", "U__token_count.sql"])
def test_a_broken_package_stops_the_statement_with_one_line(package: Path, script: str) -> None:
    row = ("Question",) if script == "U__gpt2_inference.sql" else ("qa", "Question")
    whole = package_sha256(package)
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-10:"):
        run_script(script, [row], registry(DIGEST))
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-12:"):
        run_script(script, [row], registry(whole))
    (package / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(ExallmError, match=r"E-EXALLM-MODEL-11:.*model.gguf has 4 bytes"):
        run_script(script, [row], registry(whole))
    (package / "manifest.json").unlink()
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-7:"):
        run_script(script, [row], registry(whole))
