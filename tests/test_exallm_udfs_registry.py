from __future__ import annotations

import base64
import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from exallm_udfs.errors import ExallmError
from exallm_udfs.names import ModelReference
from exallm_udfs.registry import (
    RegisteredModel,
    RegisteredVersion,
    Registry,
    load_registry,
    quote_identifier,
)

DIGEST = "0123456789abcdef" * 4
PATH = "/buckets/bfsdefault/default/exallm/models/qa/v"


def version(number: int) -> RegisteredVersion:
    return RegisteredVersion("qa", number, f"{PATH}{number}", DIGEST)


REGISTRY = Registry(
    {
        "qa": RegisteredModel(
            {1: version(1), 2: version(2), 10: version(10)}, {"champion": 2, "challenger": 10}
        )
    }
)


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_a_reference_is_resolved_by_alias_and_by_version() -> None:
    assert REGISTRY.resolve(ModelReference.parse("qa")) == version(2)
    assert REGISTRY.resolve(ModelReference.parse("qa@challenger")) == version(10)
    assert REGISTRY.resolve(ModelReference.parse("qa@v1")) == version(1)


@pytest.mark.parametrize(
    ("reference", "code", "names"),
    [
        ("qb", "E-EXALLM-MODEL-3", "the models there are: qa"),
        ("qa@v3", "E-EXALLM-MODEL-4", "the versions there are: v1, v2, v10"),
        ("qa@canary", "E-EXALLM-MODEL-5", "the aliases there are: challenger, champion"),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(
    reference: str, code: str, names: str
) -> None:
    with pytest.raises(ExallmError) as caught:
        REGISTRY.resolve(ModelReference.parse(reference))
    assert caught.value.code == code
    assert caught.value.remedy == names


def test_an_empty_registry_says_that_there_are_no_models_yet() -> None:
    with pytest.raises(ExallmError, match="no models yet"):
        Registry({}).resolve(ModelReference.parse("qa"))


def test_the_encoded_text_is_the_documented_json() -> None:
    text = Registry({"qa": RegisteredModel({1: version(1)}, {"champion": 1})}).encode()
    assert json.loads(base64.b64decode(text)) == {
        "format": 1,
        "models": {
            "qa": {
                "versions": {"1": {"path": f"{PATH}1", "sha256": DIGEST}},
                "aliases": {"champion": 1},
            }
        },
    }


def test_a_registry_is_read_as_it_was_written() -> None:
    assert Registry.decode(REGISTRY.encode()) == REGISTRY
    assert Registry.decode(Registry({}).encode()) == Registry({})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        "ä",
        base64.b64encode(b"\xff").decode(),
        encoded([]),
        encoded({"models": {}}),
        encoded({"format": 2, "models": {}}),
        encoded({"format": 1, "models": {}, "more": 1}),
        encoded({"format": 1, "models": {"QA": {"versions": {}, "aliases": {"champion": 1}}}}),
        encoded({"format": 1, "models": {"qa": {"versions": {}, "aliases": {"champion": 1}}}}),
        encoded({"format": 1, "models": {"qa": {"versions": {"01": {}}, "aliases": {}}}}),
        encoded({"format": 1, "models": {"qa": {"versions": {"1": {"path": 1}}, "aliases": {}}}}),
        encoded({"format": 1, "models": {"qa": {"versions": [], "aliases": {}}}}),
    ],
)
def test_a_broken_registry_is_refused(text: str) -> None:
    with pytest.raises(ExallmError) as caught:
        Registry.decode(text)
    assert caught.value.code == "E-EXALLM-MODEL-6"


class Exa:
    """Answers import_script as the UDF client does: a module, or a RuntimeError."""

    def __init__(self, scripts: dict[str, dict[str, Any]], schema: str) -> None:
        self._scripts = scripts
        self.meta = SimpleNamespace(script_schema=schema)

    def import_script(self, name: str) -> ModuleType:
        if name not in self._scripts:
            raise RuntimeError(f"script {name}\nnot found")
        module = ModuleType(name)
        vars(module).update(self._scripts[name])
        return module


def test_the_registry_is_read_from_the_schema_of_the_script() -> None:
    exa = Exa({"EXALLM.REGISTRY": {"REGISTRY": REGISTRY.encode()}}, "EXALLM")
    assert load_registry(exa) == REGISTRY


def test_the_registry_of_another_schema_is_read_under_its_quoted_name() -> None:
    exa = Exa({'"my ""llm""".REGISTRY': {"REGISTRY": REGISTRY.encode()}}, "ANALYSTS")
    assert load_registry(exa, 'my "llm"') == REGISTRY


@pytest.mark.parametrize(
    "scripts", [{}, {"EXALLM.REGISTRY": {}}, {"EXALLM.REGISTRY": {"REGISTRY": 1}}]
)
def test_a_missing_registry_is_one_clear_line(scripts: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(ExallmError) as caught:
        load_registry(Exa(scripts, "EXALLM"))
    assert caught.value.code == "E-EXALLM-MODEL-6"
    assert "EXALLM.REGISTRY" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("EXALLM", "EXALLM"),
        ("A_1", "A_1"),
        ("exallm", '"exallm"'),
        ('a"b', '"a""b"'),
        ("1A", '"1A"'),
    ],
)
def test_quote_identifier(name: str, quoted: str) -> None:
    assert quote_identifier(name) == quoted
