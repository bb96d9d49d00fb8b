"""LoRA adapters merged into a GGUF, on a small random model."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest

from exallm.models.gguf_tensors import q8_bytes, tensor_values
from exallm.models.lora_adapter import ADAPTER_FILES, read_lora_adapter
from exallm.models.lora_merge import check_merge, merge_lora
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header

WIDTH, HEADS, KV_HEADS, HEAD_ROWS, RANK = 64, 4, 2, 8, 3
# Module of the layer, its GGUF name, its shape (outputs, inputs).
WEIGHTS = {
    "self_attn.q_proj": ("attn_q", (HEADS * HEAD_ROWS, WIDTH)),
    "self_attn.k_proj": ("attn_k", (KV_HEADS * HEAD_ROWS, WIDTH)),
    "self_attn.v_proj": ("attn_v", (KV_HEADS * HEAD_ROWS, WIDTH)),
    "self_attn.o_proj": ("attn_output", (WIDTH, HEADS * HEAD_ROWS)),
    "mlp.gate_proj": ("ffn_gate", (96, WIDTH)),
    "mlp.up_proj": ("ffn_up", (96, WIDTH)),
    "mlp.down_proj": ("ffn_down", (WIDTH, 96)),
}
PLAIN: dict[str, Any] = {"peft_type": "LORA", "r": RANK, "lora_alpha": 6}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def write_gguf(path: Path, metadata: dict[str, str | int], tensors: dict[str, Any]) -> None:
    """Matrices are written as F32 too: merging has to store them as Q8_0."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += text(key)
        head += (
            struct.pack("<I", 8) + text(value)
            if isinstance(value, str)
            else struct.pack("<II", 4, value)
        )
    data = b""
    for name, values in tensors.items():
        data += bytes(-len(data) % 32)
        shape = values.shape[::-1]
        head += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", 0, len(data))
        data += values.astype("<f4").tobytes()
    path.write_bytes(head + bytes(-len(head) % 32) + data)


def write_safetensors(path: Path, tensors: dict[str, Any]) -> None:
    header, data = {}, b""
    for name, values in tensors.items():
        content = values.astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    described = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(described)) + described + data)


def random(seed: int, *shape: int) -> Any:
    return numpy.random.default_rng(seed).normal(size=shape).astype(numpy.float32)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.gguf"
    tensors = {
        f"blk.0.{name}.weight": random(seed, *shape)
        for seed, (name, shape) in enumerate(WEIGHTS.values())
    }
    tensors["blk.0.attn_norm.weight"] = random(99, WIDTH)
    write_gguf(
        path,
        {
            "general.architecture": "llama",
            "llama.attention.head_count": HEADS,
            "llama.attention.head_count_kv": KV_HEADS,
        },
        tensors,
    )
    return path


def adapter_tensors() -> dict[str, Any]:
    tensors = {}
    for seed, (module, (_, (outputs, inputs))) in enumerate(WEIGHTS.items()):
        key = f"base_model.model.model.layers.0.{module}.lora_"
        tensors[f"{key}A.weight"] = random(100 + seed, RANK, inputs)
        tensors[f"{key}B.weight"] = random(200 + seed, outputs, RANK)
    return tensors


def write_adapter(folder: Path, config: dict[str, Any], tensors: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / ADAPTER_FILES[0]).write_text(json.dumps(config))
    write_safetensors(folder / ADAPTER_FILES[1], tensors)
    return folder


def values(path: Path, name: str) -> Any:
    tensor = next(tensor for tensor in read_gguf_header(path).tensors if tensor.name == name)
    content = path.read_bytes()[tensor.offset : tensor.offset + tensor.bytes]
    return tensor_values(content, tensor.kind).reshape(tensor.shape[::-1])


def as_the_model_computes(weight: Any, heads: int) -> Any:
    """A query or key weight of a GGUF in the order of the checkpoint, row by row."""
    rows = []
    for head in range(heads):
        of_head = weight[head * HEAD_ROWS : (head + 1) * HEAD_ROWS]
        rows += [*of_head[0::2], *of_head[1::2]]
    return numpy.stack(rows)


@pytest.mark.parametrize(("stabilised", "scale"), [(False, 2.0), (True, 6 / 3**0.5)])
def test_merged_weights_are_base_plus_scaled_product(
    tmp_path: Path, base: Path, stabilised: bool, scale: float
) -> None:
    tensors = adapter_tensors()
    folder = write_adapter(tmp_path / "adapter", {**PLAIN, "use_rslora": stabilised}, tensors)
    adapter = read_lora_adapter(folder)
    assert adapter.scale == pytest.approx(scale)
    merged = tmp_path / "merged.gguf"
    merge_lora(base, adapter, merged)
    for module, (name, _) in WEIGHTS.items():
        key = f"base_model.model.model.layers.0.{module}.lora_"
        product = tensors[f"{key}B.weight"] @ tensors[f"{key}A.weight"]
        before = values(base, f"blk.0.{name}.weight")
        after = values(merged, f"blk.0.{name}.weight")
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(name)
        if heads is not None:
            before = as_the_model_computes(before, heads)
            after = as_the_model_computes(after, heads)
        expected = before + scale * product
        limit = abs(expected).max() * (0.5 / 127 + 2**-10)
        assert abs(after - expected).max() <= limit
        assert abs(after - before).max() > 10 * limit
    assert (
        values(merged, "blk.0.attn_norm.weight") == values(base, "blk.0.attn_norm.weight")
    ).all()
    kinds = {tensor.name: tensor.kind for tensor in read_gguf_header(merged).tensors}
    assert kinds.pop("blk.0.attn_norm.weight") == "F32"
    assert set(kinds.values()) == {"Q8_0"}


def test_the_check_passes_a_right_merge_and_refuses_a_wrong_one(tmp_path: Path, base: Path) -> None:
    tensors = adapter_tensors()
    adapter = read_lora_adapter(write_adapter(tmp_path / "adapter", PLAIN, tensors))
    merged = tmp_path / "merged.gguf"
    merge_lora(base, adapter, merged)
    check = check_merge(base, adapter, merged)
    assert check.merged == len(WEIGHTS)
    assert 0.1 < check.largest_error <= 1
    assert check.largest_change > 1
    stronger = read_lora_adapter(
        write_adapter(tmp_path / "stronger", {**PLAIN, "lora_alpha": 6.5}, tensors)
    )
    with pytest.raises(ExallmError, match="off by") as caught:
        check_merge(base, stronger, merged)
    assert caught.value.code == "E-EXALLM-MODEL-29"


def test_the_check_finds_one_wrong_value_of_a_norm(tmp_path: Path, base: Path) -> None:
    adapter = read_lora_adapter(write_adapter(tmp_path / "adapter", PLAIN, adapter_tensors()))
    merged = tmp_path / "merged.gguf"
    merge_lora(base, adapter, merged)
    tensor = next(t for t in read_gguf_header(merged).tensors if t.name.endswith("norm.weight"))
    content = bytearray(merged.read_bytes())
    content[tensor.offset + 5] ^= 1
    merged.write_bytes(content)
    with pytest.raises(ExallmError, match="off by inf"):
        check_merge(base, adapter, merged)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
        ({"r": 4}, "rank 4"),
        ({"r": 0}, "'r'"),
        ({"lora_alpha": "6"}, "lora_alpha"),
    ],
)
def test_what_cannot_be_merged_is_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    folder = write_adapter(tmp_path / "adapter", {**PLAIN, **change}, adapter_tensors())
    with pytest.raises(ExallmError, match=named) as caught:
        read_lora_adapter(folder)
    assert caught.value.code == "E-EXALLM-MODEL-29"


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("base_model.model.lm_head.lora_A.weight", "lm_head"),
        ("base_model.model.model.embed_tokens.lora_embedding_A", "embed_tokens"),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "magnitude"),
    ],
)
def test_a_tensor_that_would_be_left_out_is_refused(tmp_path: Path, key: str, named: str) -> None:
    tensors = {**adapter_tensors(), key: random(1, RANK, WIDTH)}
    with pytest.raises(ExallmError, match=named):
        read_lora_adapter(write_adapter(tmp_path / "adapter", PLAIN, tensors))


def test_an_adapter_of_another_base_is_refused(tmp_path: Path, base: Path) -> None:
    key = "base_model.model.model.layers.{}.self_attn.q_proj.lora_"
    pair = {"A.weight": random(1, RANK, WIDTH), "B.weight": random(2, 32, RANK)}
    absent = {key.format(7) + half: tensor for half, tensor in pair.items()}
    adapter = read_lora_adapter(write_adapter(tmp_path / "absent", PLAIN, absent))
    with pytest.raises(ExallmError, match=r"no weight for model\.layers\.7\."):
        merge_lora(base, adapter, tmp_path / "merged.gguf")
    pair["A.weight"] = random(1, RANK, WIDTH * 2)
    wide = {key.format(0) + half: tensor for half, tensor in pair.items()}
    adapter = read_lora_adapter(write_adapter(tmp_path / "wide", PLAIN, wide))
    with pytest.raises(ExallmError, match="another shape"):
        merge_lora(base, adapter, tmp_path / "merged.gguf")


def test_a_cut_off_adapter_is_refused(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter", PLAIN, adapter_tensors())
    file = folder / ADAPTER_FILES[1]
    whole = file.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(ExallmError) as caught:
            read_lora_adapter(folder)
        assert caught.value.code == "E-EXALLM-MODEL-29"
        assert "\n" not in str(caught.value)
    file.unlink()
    with pytest.raises(ExallmError, match="No such file"):
        read_lora_adapter(folder)


def test_q8_is_within_half_a_step_of_each_block() -> None:
    numbers = numpy.concatenate([random(5, 64) * 10.0**power for power in range(-4, 4)])
    blocks = numbers.reshape(-1, 32)
    stored = tensor_values(q8_bytes(numbers), "Q8_0").reshape(-1, 32)
    limit = abs(blocks).max(axis=1, keepdims=True) * (0.5 / 127 + 2**-11) + 127 * 2.0**-25
    assert (abs(stored - blocks) <= limit).all()
