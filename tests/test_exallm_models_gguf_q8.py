from __future__ import annotations

import struct
from pathlib import Path

import numpy
import pytest

from exallm.models.gguf_q8 import convert_to_q8
from exallm_udfs.gguf_header import GgufHeader, read_gguf_header


def entry(name: str, columns: int, kind: int, offset: int) -> bytes:
    return (
        struct.pack("<Q", len(name))
        + name.encode()
        + struct.pack("<IQIQ", 1, columns, kind, offset)
    )


def write(path: Path, tensors: list[tuple[str, int, int, bytes]]) -> None:
    """A GGUF without metadata, of (name, columns, kind, content)."""
    head, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 0), b""
    for name, columns, kind, content in tensors:
        data += bytes(-len(data) % 32)
        head += entry(name, columns, kind, len(data))
        data += content
    path.write_bytes(head + bytes(-len(head) % 32) + data)


def q4_1(scale: float, minimum: float, values: list[int]) -> bytes:
    pairs = zip(values[:16], values[16:], strict=True)
    return struct.pack("<2e", scale, minimum) + bytes(low | high << 4 for low, high in pairs)


def q8_0_values(content: bytes) -> numpy.ndarray:
    blocks = numpy.frombuffer(content, dtype=[("scale", "<f2"), ("values", "i1", (32,))])
    scaled = blocks["scale"].astype(numpy.float64)[:, None] * blocks["values"]
    return numpy.asarray(scaled).reshape(-1)


def contents(path: Path, header: GgufHeader) -> dict[str, bytes]:
    whole = path.read_bytes()
    return {
        tensor.name: whole[tensor.offset : tensor.offset + tensor.bytes]
        for tensor in header.tensors
    }


def test_values_stay_and_other_tensors_keep_their_bytes(tmp_path: Path) -> None:
    first, second = list(range(16)) * 2, [15 - value % 16 for value in range(32)]
    kept = struct.pack("<3f", 1.0, -2.5, 3.25)
    blocks = q4_1(0.5, -2.0, first) + q4_1(0.25, 8.0, second) + q4_1(0.0, 0.0, [0] * 32)
    write(tmp_path / "in.gguf", [("a", 3, 0, kept), ("w", 96, 3, blocks), ("b", 3, 0, kept)])
    convert_to_q8(tmp_path / "in.gguf", tmp_path / "out.gguf")
    header = read_gguf_header(tmp_path / "out.gguf")
    assert [tensor.kind for tensor in header.tensors] == ["F32", "Q8_0", "F32"]
    found = contents(tmp_path / "out.gguf", header)
    assert found["a"] == found["b"] == kept
    expected = [v * 0.5 - 2.0 for v in first] + [v * 0.25 + 8.0 for v in second] + [0.0] * 32
    # Half a step of 1/127 of a block's largest value, and the rounding of the scale to 16 bits.
    limits = numpy.repeat([5.5, 11.75, 0.0], 32) * (0.5 / 127 + 2**-11)
    assert (numpy.abs(q8_0_values(found["w"]) - expected) <= limits).all()


def test_a_type_that_is_not_converted_leaves_no_file(tmp_path: Path) -> None:
    write(tmp_path / "in.gguf", [("w", 32, 2, bytes(18))])
    with pytest.raises(ValueError, match="Q4_0"):
        convert_to_q8(tmp_path / "in.gguf", tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


@pytest.mark.model
def test_a_real_model_is_converted(tmp_path: Path, smollm2_gguf: Path) -> None:
    target = tmp_path / "q8.gguf"
    convert_to_q8(smollm2_gguf, target)
    before, after = read_gguf_header(smollm2_gguf), read_gguf_header(target)
    assert after.metadata == before.metadata
    assert [(tensor.name, tensor.shape) for tensor in after.tensors] == [
        (tensor.name, tensor.shape) for tensor in before.tensors
    ]
    assert {tensor.kind for tensor in after.tensors} == {"F32", "Q8_0"}
