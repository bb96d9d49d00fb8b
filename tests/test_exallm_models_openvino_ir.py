"""GGUF files as packages of OpenVINO IR."""

from __future__ import annotations

from pathlib import Path

import pytest

from exallm.home import exallm_home
from exallm.models.gguf_q8 import convert_to_q8
from exallm.models.gguf_source import gguf_source
from exallm.models.lora_source import lora_source
from exallm.models.openvino_ir import IR_FILES, write_openvino_ir
from exallm.models.package import build_manifest
from exallm.models.smollm2_source import smollm2_source
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256, package_sha256, verify_package
from tests.test_exallm_models_lora import RANK, random, write_adapter, write_gguf


def quiet(step: str) -> None:
    """Shows no progress."""


@pytest.mark.parametrize("architecture", ["mamba", "llama"])
def test_a_gguf_that_the_engine_does_not_take_leaves_nothing(
    tmp_path: Path, architecture: str
) -> None:
    gguf = tmp_path / "odd.gguf"
    write_gguf(gguf, {"general.architecture": architecture}, {"w": random(1, 4, 32)})
    (tmp_path / "cache").mkdir()
    with pytest.raises(ExallmError) as caught:
        write_openvino_ir(gguf, tmp_path / "cache" / "ir")
    assert caught.value.code == "E-EXALLM-MODEL-25"
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.model
def test_the_package_of_smollm2_is_whole_and_small(smollm2_gguf: Path) -> None:
    source = smollm2_source(exallm_home() / "models", quiet)
    manifest = build_manifest(source, "qa", 1)
    assert sum(file.bytes for file in manifest.files) < 200_000_000
    assert {file.path for file in manifest.files} == set(IR_FILES)
    assert manifest.tokenizer in IR_FILES


@pytest.mark.model
def test_a_users_gguf_is_converted_once(smollm2_gguf: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    source = gguf_source(smollm2_gguf, tmp_path, steps.append)
    again = gguf_source(smollm2_gguf, tmp_path, steps.append)
    assert source == again
    assert len(steps) == 1
    ours = smollm2_source(exallm_home() / "models", quiet)
    assert file_sha256(source.folder / "openvino_model.bin") == file_sha256(
        ours.folder / "openvino_model.bin"
    )


@pytest.mark.model
def test_a_lora_package_keeps_the_adapter_and_answers_with_it(
    smollm2_gguf: Path, tmp_path: Path
) -> None:
    gguf = tmp_path / "base.gguf"
    convert_to_q8(smollm2_gguf, gguf)
    key = "base_model.model.model.layers.{}.mlp.down_proj.lora_{}.weight"
    tensors = {}
    for layer in range(30):
        tensors[key.format(layer, "A")] = random(layer, RANK, 1536) * 0.05
        tensors[key.format(layer, "B")] = random(layer + 100, 576, RANK) * 0.05
    adapter = write_adapter(
        tmp_path / "adapter", {"peft_type": "LORA", "r": RANK, "lora_alpha": 6}, tensors
    )
    base = smollm2_source(exallm_home() / "models", quiet)
    source = lora_source(base.settings, gguf, adapter, tmp_path / "cache", quiet)
    manifest = build_manifest(source, "qa", 2)
    assert manifest.adapter is not None
    assert manifest.adapter.scale == 2.0
    assert manifest.adapter.base_sha256 == file_sha256(gguf)
    kept = source.folder / manifest.adapter.path / "adapter_model.safetensors"
    assert kept.read_bytes() == (adapter / "adapter_model.safetensors").read_bytes()
    (source.folder / "manifest.json").write_text(manifest.to_json())
    assert verify_package(source.folder, package_sha256(source.folder)) == []
    settings = GenerationSettings(8, 0.0, 0, ())
    texts = []
    for folder in (base.folder, source.folder / manifest.engines["openvino"].path):
        engine = OpenVinoEngine(folder, OpenVinoSettings(256))
        result = engine.generate(["The capital of France is"], settings)[0]
        assert isinstance(result, Generation)
        texts.append(result.text)
        engine.close()
    assert texts[0] != texts[1]
