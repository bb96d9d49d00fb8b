from __future__ import annotations

import struct
from pathlib import Path

import pytest

from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import GgufTensor, read_gguf_header


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


METADATA = [
    text("general.architecture") + struct.pack("<I", 8) + text("llama"),
    text("llama.context_length") + struct.pack("<II", 4, 2048),
    text("llama.rope") + struct.pack("<If", 6, 0.5),
    text("general.file") + struct.pack("<IB", 7, 1),
    text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc"),
    text("scores") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
]


def gguf(
    magic: bytes = b"GGUF",
    version: int = 3,
    tensor_count: int = 2,
    metadata: list[bytes] = METADATA,
    tensors: bytes = tensor("a", (32, 2), 3, 0) + tensor("b", (5,), 0, 64),
    data: int = 84,
) -> bytes:
    head = magic + struct.pack("<IQQ", version, tensor_count, len(metadata))
    head += b"".join(metadata) + tensors
    return head + bytes(-len(head) % 32 + data)


def read(tmp_path: Path, content: bytes) -> str:
    """The problem that is told about a file of this content."""
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ExallmError) as caught:
        read_gguf_header(path)
    assert caught.value.code == "E-EXALLM-MODEL-12"
    assert "\n" not in str(caught.value)
    return caught.value.problem


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf())
    header = read_gguf_header(path)
    assert header.tensors == (
        GgufTensor("a", (32, 2), "Q4_1", len(path.read_bytes()) - 84, 40),
        GgufTensor("b", (5,), "F32", len(path.read_bytes()) - 20, 20),
    )
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.context_length": 2048,
        "llama.rope": 0.5,
        "general.file": True,
    }
    assert header.context_length() == 2048


def test_every_truncation_is_found(tmp_path: Path) -> None:
    whole = gguf()
    for length in range(len(whole)):
        read(tmp_path, whole[:length])


def test_the_message_of_a_cut_off_file_has_both_sizes(tmp_path: Path) -> None:
    whole = gguf()
    problem = read(tmp_path, whole[:-1])
    assert str(len(whole)) in problem
    assert str(len(whole) - 1) in problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello world, this is no model", "does not begin with GGUF"),
        (gguf(magic=b"GGML"), "does not begin with GGUF"),
        (gguf(version=1), "version 1"),
        (gguf(version=0x03000000), "version"),
        (gguf(tensor_count=2**60), "claims"),
        (gguf(tensor_count=3), "0 dimensions"),
        (gguf(tensors=tensor("a", (32,), 99, 0) + tensor("b", (5,), 0, 0)), "unknown type 99"),
        (gguf(tensors=tensor("a", (33,), 3, 0) + tensor("b", (5,), 0, 0)), "no whole blocks"),
        (gguf(tensors=tensor("a", (2**62, 32), 3, 0) + tensor("b", (5,), 0, 0)), "cut off"),
        (gguf(tensors=tensor("a", (32,), 3, 2**63) + tensor("b", (5,), 0, 0)), "cut off"),
        (gguf(tensors=tensor("a", (1,) * 9, 0, 0) + tensor("b", (5,), 0, 0)), "9 dimensions"),
        (gguf(metadata=[text("k") + struct.pack("<I", 77)]), "metadata type 77"),
        (gguf(metadata=[text("k") + struct.pack("<IIQ", 9, 9, 1)]), "list of metadata type 9"),
        (gguf(metadata=[struct.pack("<Q", 2**63)]), "claims"),
        (gguf(metadata=[text("general.alignment") + struct.pack("<II", 4, 0)]), "alignment"),
        (gguf(metadata=[struct.pack("<Q", 1) + b"\xff" + struct.pack("<IB", 0, 1)]), "utf-8"),
    ],
)
def test_a_broken_header_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    assert problem in read(tmp_path, content)


@pytest.mark.model
def test_a_real_file_cut_off_anywhere_is_refused(tmp_path: Path, smollm2_gguf: Path) -> None:
    header = read_gguf_header(smollm2_gguf)
    assert header.metadata["general.architecture"] == "llama"
    assert len(header.tensors) == 272
    size = smollm2_gguf.stat().st_size
    whole = smollm2_gguf.read_bytes()
    points = [0, 3, 4, 23, 24, 1000, 10**6, size // 2, size - 1]
    path = tmp_path / "cut.gguf"
    for length in [*points, *range(2000, 2_000_000, 99_991)]:
        path.write_bytes(whole[:length])
        with pytest.raises(ExallmError) as caught:
            read_gguf_header(path)
        assert caught.value.code == "E-EXALLM-MODEL-12"
