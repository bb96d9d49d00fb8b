"""The tensors of a safetensors file, without torch."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exallm.models.gguf_tensors import tensor_values
from exallm_udfs.json_object import parse_object

if TYPE_CHECKING:
    import numpy

_VALUE_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
_HEADER_LIMIT = 100_000_000


def read_safetensors(file: Path) -> dict[str, numpy.ndarray]:
    """Name to values, float32, in the tensor's shape.

    ``ValueError`` for a file that is cut off or malformed, and for values that are not F32, F16 or
    BF16.
    """
    content = file.read_bytes()
    if len(content) < 8:
        raise ValueError("it is too short")
    header_bytes = struct.unpack("<Q", content[:8])[0]
    if header_bytes > min(len(content) - 8, _HEADER_LIMIT):
        raise ValueError("it ends inside its header")
    header = parse_object(content[8 : 8 + header_bytes].decode("utf-8"))
    data = memoryview(content)[8 + header_bytes :]
    return {
        name: _values(name, entry, data) for name, entry in header.items() if name != "__metadata__"
    }


def _values(name: str, entry: Any, data: memoryview) -> numpy.ndarray:
    try:
        kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        size = prod(shape) * _VALUE_BYTES[kind]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"tensor {name!r} is not described as F32, F16 or BF16") from error
    if not 0 <= start <= end <= len(data) or end - start != size:
        raise ValueError(f"tensor {name!r} does not lie within the file")
    return tensor_values(bytes(data[start:end]), kind).reshape(shape)
