"""The rows of one group inside a UDF process: in memory up to a limit, then in a file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import IO, Any

from exallm.local.exasol_type import ExasolType
from exallm.local.udf.channel import parse_frame
from exallm.local.udf.json_values import decode_rows

MEMORY_LIMIT = 32 * 1024 * 1024

_LENGTH = struct.Struct(">I")


class GroupSpool:
    """Gathers a group's frames and gives its rows as often as asked; a context manager.

    :param types: the input columns' types.
    :param memory_limit: bytes of frames that are kept in memory.
    """

    def __init__(self, types: Sequence[ExasolType], memory_limit: int = MEMORY_LIMIT) -> None:
        self._types = types
        self._memory_left = memory_limit
        self._listed: list[list[tuple[Any, ...]]] = []
        self._file: IO[bytes] | None = None
        self.size = 0

    def __enter__(self) -> GroupSpool:
        return self

    def __exit__(self, *_details: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, frame: bytes, message: dict[str, Any]) -> None:
        """Take one frame, as received and as parsed."""
        self.size += message["rows"]
        if self._file is None and len(frame) <= self._memory_left:
            self._memory_left -= len(frame)
            self._listed.append(self._rows(message))
            return
        if self._file is None:
            import tempfile  # groups are rarely so large, and it would delay every start

            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._file.seek(0, 2)
        self._file.write(_LENGTH.pack(len(frame)) + frame)

    def chunks(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The rows from the first one on, a frame's rows at a time."""
        yield from self._listed
        offset = 0
        while self._file is not None:
            self._file.seek(offset)
            header = self._file.read(_LENGTH.size)
            if not header:
                return
            (length,) = _LENGTH.unpack(header)
            offset += _LENGTH.size + length
            yield self._rows(parse_frame(self._file.read(length)))

    def _rows(self, message: dict[str, Any]) -> list[tuple[Any, ...]]:
        return decode_rows(message["columns"], self._types, message["rows"])
