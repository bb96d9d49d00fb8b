"""A GGUF's Q4_1 tensors stored as Q8_0.

OpenVINO GenAI 2026.4 reads Q4_1 with rounded zero points: answers of SmolLM2 fall from F1 31 to 14
without any warning. Q8_0 it reads exactly, and computes faster.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from exallm_udfs.gguf_header import GgufTensor, read_gguf_header

if TYPE_CHECKING:
    import numpy

_BLOCK_VALUES = 32
_Q4_1_BYTES = 20
_KIND_NUMBERS = {"F32": 0, "F16": 1, "Q8_0": 8, "BF16": 30}


def convert_to_q8(source: Path, target: Path) -> None:
    """Write ``target`` with each Q4_1 tensor of ``source`` as Q8_0 and all others unchanged.

    The largest error of a value is half of 1/127 of its block's largest value. The metadata keep
    their bytes, so ``general.file_type`` still names the published format. Raises
    E-EXALLM-MODEL-12 for a broken file, ``ValueError`` for a tensor type that is not Q4_1, Q8_0,
    F16, BF16 or F32.
    """
    header = read_gguf_header(source)
    tensor_list = _tensor_list(header.tensors, header.alignment)
    with source.open("rb") as reading, target.open("wb") as writing:
        writing.write(reading.read(header.metadata_bytes))
        writing.write(tensor_list)
        for tensor in header.tensors:
            writing.write(bytes(-writing.tell() % header.alignment))
            reading.seek(tensor.offset)
            content = reading.read(tensor.bytes)
            writing.write(_q8_from_q4_1(content) if tensor.kind == "Q4_1" else content)


def _tensor_list(tensors: tuple[GgufTensor, ...], alignment: int) -> bytes:
    entries, offset = [], 0
    for tensor in tensors:
        kind, size = tensor.kind, tensor.bytes
        if kind == "Q4_1":
            kind, size = "Q8_0", size // _Q4_1_BYTES * (2 + _BLOCK_VALUES)
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
        offset += -(-size // alignment) * alignment
    return b"".join(entries)


def _q8_from_q4_1(content: bytes) -> bytes:
    import numpy

    layout = numpy.dtype([("scale", "<f2"), ("minimum", "<f2"), ("values", "u1", (16,))])
    blocks = numpy.frombuffer(content, dtype=layout)
    # The low halves of a block's bytes are its first 16 values, the high halves its last 16.
    nibbles = numpy.concatenate([blocks["values"] & 15, blocks["values"] >> 4], axis=1)
    scale = blocks["scale"].astype(numpy.float32)[:, None]
    minimum = blocks["minimum"].astype(numpy.float32)[:, None]
    return _q8(nibbles * scale + minimum)


def _q8(values: numpy.ndarray) -> bytes:
    import numpy

    scale = numpy.abs(values).max(axis=1, keepdims=True) / 127
    inverse = numpy.divide(1, scale, out=numpy.zeros_like(scale), where=scale > 0)
    stored = numpy.empty(len(values), dtype=[("scale", "<f2"), ("values", "i1", (_BLOCK_VALUES,))])
    stored["scale"] = scale[:, 0]
    stored["values"] = numpy.rint(values * inverse)
    return stored.tobytes()
