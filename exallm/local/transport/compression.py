"""Compression of the files of IMPORT and EXPORT, as the ending of their name says."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError

_GZIP = 16 + zlib.MAX_WBITS
_FAST = 1
_PIECE = 1 << 20


class Packer(Protocol):
    """Compresses data piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """What is ready so far."""

    def flush(self) -> bytes:
        """The rest."""


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def packer(name: str) -> Packer:
    """For a file of this name; :raises SqlError: 0A000 for ``.zip``."""
    ending = _ending(name)
    if ending == "gz":
        return zlib.compressobj(_FAST, wbits=_GZIP)
    return bz2.BZ2Compressor() if ending == "bz2" else _Plain()


def unpacked(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of a file of this name, in pieces of a bounded size.

    :raises SqlError: 0A000 for ``.zip``, 42636 for data that are broken or end too soon.
    """
    ending = _ending(name)
    if ending == "gz":
        return _checked(_gzip, pieces, name)
    return _checked(_bzip2, pieces, name) if ending == "bz2" else iter(pieces)


def _ending(name: str) -> str:
    ending = name.lower().rpartition(".")[2]
    if ending == "zip":
        raise refused(60, "a FILE in ZIP format", "use .gz or .bz2")
    return ending


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    for piece in pieces:
        rest = piece
        while rest:
            if unpacker.eof:  # a file may be several, one after the other
                unpacker = zlib.decompressobj(_GZIP)
            yield unpacker.decompress(rest, _PIECE)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("the data end too soon")


def _bzip2(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = bz2.BZ2Decompressor()
    for piece in pieces:
        rest = piece
        while rest or not (unpacker.needs_input or unpacker.eof):
            if unpacker.eof:
                unpacker = bz2.BZ2Decompressor()
            yield unpacker.decompress(rest, _PIECE)
            rest = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise EOFError("the data end too soon")


def _checked(
    unpack: Callable[[Iterable[bytes]], Iterator[bytes]], pieces: Iterable[bytes], name: str
) -> Iterator[bytes]:
    try:
        yield from unpack(pieces)
    except (zlib.error, EOFError, ValueError, OSError) as error:
        raise SqlError(
            "42636", f"ETL-5105: the compressed file {name} is broken: {error}"
        ) from error
