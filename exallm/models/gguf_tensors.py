"""The values of a GGUF's tensors, and a GGUF written anew with other tensors."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from exallm_udfs.gguf_header import GgufTensor, read_gguf_header

if TYPE_CHECKING:
    import numpy

BLOCK_VALUES = 32
_Q8_0_BYTES = 2 + BLOCK_VALUES
_KIND_NUMBERS = {"F32": 0, "F16": 1, "Q8_0": 8, "BF16": 30}


@dataclass(frozen=True)
class StoredTensor:
    """What takes a tensor's place: the same shape, its values stored as ``kind``."""

    kind: str
    content: Callable[[bytes], bytes]


def rewrite_gguf(
    source: Path, target: Path, stored: Callable[[GgufTensor], StoredTensor | None]
) -> None:
    """Write ``target`` as ``source``, with other content where ``stored`` names some.

    ``content`` gets a tensor's bytes and gives those to write. The metadata keep their bytes, so
    ``general.file_type`` still names the source's format. Raises E-EXALLM-MODEL-12 for a broken
    file, ``ValueError`` for a tensor whose kind cannot be written.
    """
    header = read_gguf_header(source)
    replacing = [stored(tensor) for tensor in header.tensors]
    kinds = [
        tensor.kind if new is None else new.kind
        for tensor, new in zip(header.tensors, replacing, strict=True)
    ]
    tensor_list = _tensor_list(header.tensors, kinds, header.alignment)
    with source.open("rb") as reading, target.open("wb") as writing:
        writing.write(reading.read(header.metadata_bytes))
        writing.write(tensor_list)
        for tensor, new in zip(header.tensors, replacing, strict=True):
            writing.write(bytes(-writing.tell() % header.alignment))
            reading.seek(tensor.offset)
            content = reading.read(tensor.bytes)
            writing.write(content if new is None else new.content(content))


def _tensor_list(tensors: tuple[GgufTensor, ...], kinds: list[str], alignment: int) -> bytes:
    entries, offset = [], 0
    for tensor, kind in zip(tensors, kinds, strict=True):
        if kind not in _KIND_NUMBERS:
            raise ValueError(f"tensor {tensor.name} is {kind}, which is not converted")
        name = tensor.name.encode("utf-8")
        dimensions = len(tensor.shape)
        entries.append(
            struct.pack("<Q", len(name))
            + name
            + struct.pack(f"<I{dimensions}Q", dimensions, *tensor.shape)
            + struct.pack("<IQ", _KIND_NUMBERS[kind], offset)
        )
        offset += -(-_stored_bytes(tensor, kind) // alignment) * alignment
    return b"".join(entries)


def _stored_bytes(tensor: GgufTensor, kind: str) -> int:
    values = prod(tensor.shape)
    if kind == "Q8_0":
        return values // BLOCK_VALUES * _Q8_0_BYTES
    return values * (4 if kind == "F32" else 2)


def fits_q8(tensor: GgufTensor) -> bool:
    """Whether the tensor is a matrix whose rows are whole Q8_0 blocks."""
    return len(tensor.shape) == 2 and tensor.shape[0] % BLOCK_VALUES == 0


def tensor_values(content: bytes, kind: str) -> numpy.ndarray:
    """All values in the file's order, float32, shape (values,); ``ValueError`` for other kinds."""
    import numpy

    if kind == "F32":
        return numpy.frombuffer(content, "<f4")
    if kind == "F16":
        return numpy.frombuffer(content, "<f2").astype(numpy.float32)
    if kind == "BF16":
        return (numpy.frombuffer(content, "<u2").astype(numpy.uint32) << 16).view(numpy.float32)
    if kind == "Q8_0":
        blocks = numpy.frombuffer(content, [("scale", "<f2"), ("values", "i1", (BLOCK_VALUES,))])
        scaled = blocks["scale"].astype(numpy.float32)[:, None] * blocks["values"]
        return numpy.asarray(scaled, numpy.float32).reshape(-1)
    if kind == "Q4_1":
        return _q4_1_values(content)
    raise ValueError(f"values stored as {kind} cannot be read")


def _q4_1_values(content: bytes) -> numpy.ndarray:
    import numpy

    layout = numpy.dtype([("scale", "<f2"), ("minimum", "<f2"), ("values", "u1", (16,))])
    blocks = numpy.frombuffer(content, dtype=layout)
    # The low halves of a block's bytes are its first 16 values, the high halves its last 16.
    nibbles = numpy.concatenate([blocks["values"] & 15, blocks["values"] >> 4], axis=1)
    scale = blocks["scale"].astype(numpy.float32)[:, None]
    minimum = blocks["minimum"].astype(numpy.float32)[:, None]
    return numpy.asarray(nibbles * scale + minimum, numpy.float32).reshape(-1)


def q8_bytes(values: numpy.ndarray) -> bytes:
    """The values, a multiple of 32 of them, as Q8_0.

    The largest error of a value is half of 1/127 of its block's largest value, and the rounding
    of that scale to 16 bits.
    """
    import numpy

    blocks = numpy.asarray(values, numpy.float32).reshape(-1, BLOCK_VALUES)
    scale = numpy.abs(blocks).max(axis=1, keepdims=True) / 127
    inverse = numpy.divide(1, scale, out=numpy.zeros_like(scale), where=scale > 0)
    stored = numpy.empty(len(blocks), dtype=[("scale", "<f2"), ("values", "i1", (BLOCK_VALUES,))])
    stored["scale"] = scale[:, 0]
    stored["values"] = numpy.rint(blocks * inverse)
    return stored.tobytes()
