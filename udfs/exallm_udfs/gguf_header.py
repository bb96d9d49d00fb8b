"""The header of a GGUF file, checked before a native reader sees it.

Native readers trust the header: with a truncated file they crash the process. Reading it here
proves that the file is a GGUF, that every length stays within the file, and that every tensor's
data is there. It does not prove that the weights are right: the package's sha256 does.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from exallm_udfs.errors import ExallmError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MAX_DIMENSIONS = 4
# Metadata types by number; text and list are read on their own.
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_TEXT, _LIST = 8, 9
# Tensor types by number: name, values in a block, bytes of a block.
_TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    30: ("BF16", 1, 2),
}

Scalar = str | int | float | bool


@dataclass(frozen=True)
class GgufTensor:
    """Where one tensor lies.

    :param shape: fastest dimension first, as the file has it.
    :param kind: how its values are stored, ``F32`` or ``Q8_0`` for two.
    :param offset: of its first byte in the file.
    :param bytes: of its data.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class GgufHeader:
    """What the header says.

    :param metadata: keys with one value, as ``general.architecture``; lists are left out.
    :param metadata_bytes: of the file before the list of tensors begins.
    :param alignment: every tensor's data begins at a multiple of this in the data section.
    """

    metadata: Mapping[str, Scalar]
    metadata_bytes: int
    tensors: tuple[GgufTensor, ...]
    alignment: int

    def context_length(self) -> int | None:
        """Tokens that the model was made for, where the file says so."""
        value = self.metadata.get(f"{self.metadata.get('general.architecture')}.context_length")
        return value if isinstance(value, int) else None


def read_gguf_header(path: Path) -> GgufHeader:
    """Read and check the header; E-EXALLM-MODEL-12 says what is wrong with the file."""
    try:
        with path.open("rb") as stream:
            if path.stat().st_size < len(_MAGIC):
                raise ValueError("it is too short")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _Reader(content).header()
    except (ValueError, struct.error) as error:
        raise ExallmError(
            "E-EXALLM-MODEL-12",
            f"{path.name} is not a whole GGUF file: {error}",
            "copy the file again from where it came from",
        ) from None


class _Reader:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._size = len(content)
        self._position = 0

    def header(self) -> GgufHeader:
        if self._bytes(4) != _MAGIC:
            raise ValueError("it does not begin with GGUF")
        version = self._number("<I")
        if version not in _VERSIONS:
            raise ValueError(f"format version {version} is not 2 or 3")
        tensors, entries = self._count(), self._count()
        metadata: dict[str, Scalar] = {}
        for _ in range(entries):
            key = self._text()
            value = self._value(int(self._number("<I")))
            if value is not None:
                metadata[key] = value
        metadata_bytes = self._position
        found = [self._tensor() for _ in range(tensors)]
        alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"alignment {alignment!r} is not a positive number")
        data = -(-self._position // alignment) * alignment
        found = [replace(tensor, offset=data + tensor.offset) for tensor in found]
        end = max((tensor.offset + tensor.bytes for tensor in found), default=data)
        if end > self._size:
            raise ValueError(
                f"its tensors need {end} bytes and it has {self._size}, so it was cut off"
            )
        return GgufHeader(metadata, metadata_bytes, tuple(found), alignment)

    def _bytes(self, length: int) -> bytes:
        if length > self._size - self._position:
            raise ValueError("it ends inside its header")
        self._position += length
        return self._content[self._position - length : self._position]

    def _number(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0]
        return value

    def _count(self) -> int:
        count = int(self._number("<Q"))
        if count > self._size:
            raise ValueError(f"it claims {count} entries in {self._size} bytes")
        return count

    def _text(self) -> str:
        return self._bytes(self._count()).decode("utf-8")

    def _value(self, kind: int) -> Scalar | None:
        if kind == _TEXT:
            return self._text()
        if kind == _LIST:
            self._skip_list()
            return None
        if kind not in _SCALARS:
            raise ValueError(f"metadata type {kind} is unknown")
        return self._number(_SCALARS[kind])

    def _skip_list(self) -> None:
        kind, length = int(self._number("<I")), self._count()
        if kind in _SCALARS:
            self._bytes(length * struct.calcsize(_SCALARS[kind]))
        elif kind == _TEXT:
            for _ in range(length):
                self._bytes(self._count())
        else:
            raise ValueError(f"a list of metadata type {kind} is not supported")

    def _tensor(self) -> GgufTensor:
        name = self._text()
        dimensions = int(self._number("<I"))
        if not 1 <= dimensions <= _MAX_DIMENSIONS:
            raise ValueError(f"tensor {name!r} has {dimensions} dimensions")
        shape = tuple(int(self._number("<Q")) for _ in range(dimensions))
        number, offset = int(self._number("<I")), int(self._number("<Q"))
        if number not in _TENSOR_TYPES:
            raise ValueError(f"tensor {name!r} has unknown type {number}")
        kind, block_values, block_bytes = _TENSOR_TYPES[number]
        if shape[0] % block_values:
            raise ValueError(f"tensor {name!r} has rows of {shape[0]} values, no whole blocks")
        return GgufTensor(name, shape, kind, offset, prod(shape) // block_values * block_bytes)
