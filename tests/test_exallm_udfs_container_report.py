"""What a container says of itself."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from exallm.installer.install import in_language
from exallm.installer.sql_files import SqlFile, sql_files
from exallm.local.udf.script import parse_udf_script
from exallm_udfs import container_report as report_module
from exallm_udfs.container_report import FACTS_NAME, FACTS_NAMES
from exallm_udfs.functions.function_body import FunctionBody
from tests.udf_harness import Runtime

ARGUMENTS = SimpleNamespace(task="answer", model_reference="qa", registry_schema="S")


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of facts beside exallm, which is not there yet."""
    (tmp_path / "exallm_udfs").mkdir()
    monkeypatch.setattr(report_module, "__file__", str(tmp_path / "exallm_udfs" / "report.py"))
    return tmp_path / FACTS_NAME


def test_every_node_answers_once_however_many_rows_it_has(runtime: Runtime) -> None:
    ((node, text),) = runtime.run("CONTAINER_REPORT", [(1,), (2,), (3,)])
    report = json.loads(text)
    assert node == 0
    assert report["exallm"] == metadata.version("exallm")
    assert report["python"] == platform.python_version()
    assert report["packages"]["numpy"] == metadata.version("numpy")
    assert report["engines"]["openvino"] is None
    assert report["facts"] is None, "this is no container"


def test_a_container_says_what_its_builder_wrote(facts: Path) -> None:
    facts.write_text(json.dumps(dict.fromkeys(FACTS_NAMES, "x")))
    assert report_module.container_report()["facts"] == dict.fromkeys(FACTS_NAMES, "x")


def test_an_engine_that_cannot_be_imported_says_why(
    facts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = facts.parent / "broken_engine.py"
    module.write_text("raise OSError('libcuda.so.1 is not there')")
    monkeypatch.syspath_prepend(str(facts.parent))
    assert report_module._problem("broken_engine") == "OSError: libcuda.so.1 is not there"
    assert report_module._problem("no_such_engine") == "is not installed"


def test_functions_of_a_container_with_a_gpu_ask_for_one(facts: Path) -> None:
    plain = FunctionBody().run(ARGUMENTS)
    facts.write_text(json.dumps({"accelerator": "GpuNvidia"}))
    asking = FunctionBody().run(ARGUMENTS)
    assert asking == "%perInstanceRequiredAcceleratorDevices GpuNvidia;\n" + plain


@pytest.mark.parametrize("file", sql_files("udfs"), ids=lambda file: file.name)
def test_scripts_move_to_another_language_and_ask_for_a_gpu(file: SqlFile) -> None:
    for statement in file.statements():
        moved = in_language(statement, "MINE", "GpuNvidia")
        if not statement.startswith("CREATE"):
            assert moved == statement
            continue
        before, after = (parse_udf_script(text, "S") for text in (statement, moved))
        assert (after.language, after.options.accelerator) == ("MINE", "GpuNvidia")
        assert after.options.instance_limit == before.options.instance_limit
        assert after.code.strip() == before.code.strip()
        assert (after.inputs, after.emits, after.returns) == (
            before.inputs,
            before.emits,
            before.returns,
        )
