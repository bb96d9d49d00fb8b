from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import (
    Adapter,
    EngineFiles,
    GenerationDefaults,
    Manifest,
    PromptSettings,
    Training,
)
from exallm_udfs.package_file import PackageFile, check_package_path

DIGEST = "0123456789abcdef" * 4
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FIGURES = st.one_of(TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False))


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "name": "qa",
        "version": 2,
        "task": "generate",
        "base": "smollm2@v1",
        "engines": {"openvino": EngineFiles("model.gguf")},
        "files": (PackageFile("model.gguf", 10, DIGEST),),
        "prompt": PromptSettings("Answer: {ctx}", ("\n",)),
        "generation": GenerationDefaults(32),
        "context_length": 2048,
        "tokenizer": "model.gguf",
        "training": Training("run-1", (DIGEST,), 7, {"torch": "2.13.0"}),
        "evaluation": ({"dataset": "xquad", "f1": 31.7},),
        "licence": "Apache-2.0",
        "created_at": "2026-01-31T12:00:00Z",
    }
    return Manifest(**{**values, **changes})


@given(
    before=TEXT.filter(lambda text: "{ctx}" not in text),
    stop=st.lists(TEXT.filter(bool), max_size=16),
    tokens=st.integers(1, 1000),
    temperature=st.floats(0, 5),
    versions=st.dictionaries(TEXT, TEXT, max_size=3),
    evaluation=st.lists(st.dictionaries(TEXT, FIGURES, max_size=3), max_size=3),
    trained=st.booleans(),
)
def test_a_manifest_is_read_as_it_was_written(
    before: str,
    stop: list[str],
    tokens: int,
    temperature: float,
    versions: dict[str, str],
    evaluation: list[dict[str, Any]],
    trained: bool,
) -> None:
    written = manifest(
        prompt=PromptSettings(before + "{ctx}", tuple(stop)),
        generation=GenerationDefaults(tokens, temperature),
        training=Training("r", (), 0, versions) if trained else None,
        evaluation=tuple(evaluation),
    )
    text = written.to_json()
    assert Manifest.from_json(text) == written
    assert Manifest.from_json(text).to_json() == text
    assert text.endswith("}\n")


def changed(path: str, value: object) -> str:
    document = json.loads(manifest().to_json())
    *parents, last = path.split(".")
    place = document
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [
        ("name", "QA", "QA"),
        ("name", 3, "name"),
        ("version", "2", "version"),
        ("version", True, "version"),
        ("version", 2.0, "version"),
        ("version", 0, "version"),
        ("task", "chat", "chat"),
        ("base", "smollm2", "base"),
        ("unknown", 1, "unknown"),
        ("engines", {}, "engine"),
        ("engines.vllm", {"path": "model.gguf"}, "vllm"),
        ("engines.openvino", {"path": "other.gguf"}, "other.gguf"),
        ("engines.openvino", {"path": "model.gguf", "device": "GPU"}, "device"),
        ("files", [], "at least one file"),
        ("files.0.bytes", -1, "bytes"),
        ("files.0.sha256", DIGEST.upper(), "sha256"),
        ("files.0.sha256", DIGEST[1:], "sha256"),
        ("files.0.path", "/model.gguf", "/model.gguf"),
        ("files.0.path", "../model.gguf", "../model.gguf"),
        ("files.0.path", "manifest.json", "list itself"),
        ("files.0.path", "pytorch_model.bin", "pickled"),
        ("files.0.path", "model.pkl", "pickled"),
        ("prompt.template", "no placeholder", "{ctx}"),
        ("prompt.template", "{ctx}{ctx}", "{ctx}"),
        ("prompt.stop", [""], "stop"),
        ("prompt.stop", "\n", "stop"),
        ("generation.max_new_tokens", 0, "max_new_tokens"),
        ("generation.max_new_tokens", 2048, "no room"),
        ("generation.temperature", -0.1, "temperature"),
        ("generation.temperature", "0", "temperature"),
        ("generation.top_k", 3, "top_k"),
        ("tokenizer", "tokenizer.json", "tokenizer.json"),
        ("training.seed", None, "seed"),
        ("training.versions", {"torch": 2}, "versions"),
        ("evaluation", [{"f1": None}], "evaluation"),
        ("evaluation", {"f1": 1}, "evaluation"),
        ("licence", "", "licence"),
        ("created_at", "2026-01-31", "created_at"),
    ],
)
def test_a_manifest_with_a_mistake_is_refused_by_name(path: str, value: object, names: str) -> None:
    with pytest.raises(ExallmError) as caught:
        Manifest.from_json(changed(path, value))
    assert caught.value.code == "E-EXALLM-MODEL-8"
    assert names in caught.value.problem


FIELDS = sorted(set(json.loads(manifest().to_json())) - {"adapter"})


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_may_be_missing(field: str) -> None:
    document = json.loads(manifest().to_json())
    del document[field]
    with pytest.raises(ExallmError, match=field):
        Manifest.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"name": "a", "name": "b"}',
        '{"name": NaN}',
        '{"a":' * 100_000,
        manifest().to_json().replace("Answer", "\\ud800"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ExallmError) as caught:
        Manifest.from_json(text)
    assert caught.value.code == "E-EXALLM-MODEL-8"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["model.gguf", "ir/openvino_model.xml", "a-b/c_d/e+f.safetensors"])
def test_paths_that_a_package_may_hold(path: str) -> None:
    assert check_package_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/model.gguf",
        "a/../b.gguf",
        "./b.gguf",
        "a//b.gguf",
        "a/",
        "a\\b.gguf",
        "C:/b.gguf",
        ".hidden.json",
        "a b.gguf",
        "a\n.gguf",
        "b.gguf\x00",
        "model.py",
        "model",
        "model.PT",
        "weights.pth",
        "x" * 600 + ".gguf",
    ],
)
def test_paths_that_a_package_may_not_hold(path: str) -> None:
    with pytest.raises(ValueError):
        check_package_path(path)


def test_a_bin_needs_its_xml() -> None:
    weights = PackageFile("openvino_model.bin", 10, DIGEST)
    graph = PackageFile("openvino_model.xml", 10, DIGEST)
    whole = manifest(
        files=(weights, graph),
        engines={"openvino": EngineFiles(".")},
        tokenizer="openvino_model.xml",
    )
    assert Manifest.from_json(whole.to_json()) == whole
    with pytest.raises(ValueError, match="pickled"):
        manifest(files=(weights,))


def test_two_files_may_not_differ_in_case_alone() -> None:
    files = (PackageFile("model.gguf", 1, DIGEST), PackageFile("Model.gguf", 1, DIGEST))
    with pytest.raises(ValueError, match="same path"):
        manifest(files=files)


def test_a_manifest_written_before_adapters_were_kept_is_read() -> None:
    document = json.loads(manifest().to_json())
    assert document.pop("adapter") is None
    assert Manifest.from_json(json.dumps(document)) == manifest()


def test_an_adapter_is_read_as_it_was_written_and_has_to_be_in_the_package() -> None:
    files = (*manifest().files, PackageFile("adapter/adapter_config.json", 3, DIGEST))
    merged = manifest(files=files, adapter=Adapter("adapter", 2.0, DIGEST))
    assert Manifest.from_json(merged.to_json()) == merged
    with pytest.raises(ValueError, match="not in the package"):
        manifest(adapter=Adapter("adapter", 2.0, DIGEST))
    with pytest.raises(ValueError, match="sha256"):
        Adapter("adapter", 2.0, "short")
