"""The body of an HTTP/1.1 request, read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import BinaryIO

_PIECE = 2**20
_CHUNK_LINE_LIMIT = 1024
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class BodyError(Exception):
    """The headers or the framing of a body are wrong: what follows cannot be read.

    :param status: the HTTP status that says so.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


class BodyBrokenOffError(ConnectionError):
    """The client went away before the end of the body."""


class RequestBody:
    """Iterate to read; each piece is valid until the next one.

    :param stream: where the body begins.
    :param headers: ``Content-Length`` or ``Transfer-Encoding: chunked`` say where it ends.
    :raises BodyError: 400 for contradictory or broken headers, 501 for another encoding.
    """

    def __init__(self, stream: BinaryIO, headers: Message) -> None:
        self._stream = stream
        encoding = headers.get("Transfer-Encoding")
        length = headers.get("Content-Length")
        if len(headers.get_all("Content-Length", [])) > 1:
            raise BodyError(400, "Content-Length is given twice")
        if encoding is not None and length is not None:
            raise BodyError(400, "both Content-Length and Transfer-Encoding are given")
        if encoding is not None and encoding.strip().lower() != "chunked":
            raise BodyError(501, "a Transfer-Encoding other than chunked is not supported")
        if length is not None and re.fullmatch(r"[0-9]{1,18}", length) is None:
            raise BodyError(400, "Content-Length is no number")
        self.has_length = encoding is not None or length is not None
        self._is_chunked = encoding is not None
        self._remaining = int(length or 0)
        self.is_read = not self._is_chunked and self._remaining == 0

    def __iter__(self) -> Iterator[memoryview]:
        """:raises BodyBrokenOffError: the body ends early.
        :raises BodyError: a chunk is malformed.
        """
        if self.is_read:
            return
        buffer = memoryview(bytearray(_PIECE))
        while self._remaining or (self._is_chunked and self._next_chunk()):
            count = self._stream.readinto(buffer[: self._remaining])  # type: ignore[attr-defined]
            if not count:
                raise BodyBrokenOffError("the body ended early")
            self._remaining -= count
            if self._is_chunked and self._remaining == 0:
                self._end_of_chunk()
            if not self._is_chunked:
                self.is_read = self._remaining == 0
            yield buffer[:count]
        self.is_read = True

    def drain(self) -> None:
        """Read the rest and forget it, so that the next request begins where it should."""
        for _ in self:
            pass

    def _line(self) -> bytes:
        line = self._stream.readline(_CHUNK_LINE_LIMIT)
        if not line:
            raise BodyBrokenOffError("the body ended early")
        return line

    def _next_chunk(self) -> bool:
        match = _CHUNK_SIZE.fullmatch(self._line())
        if match is None:
            raise BodyError(400, "a chunk has no size")
        self._remaining = int(match[1], 16)
        if self._remaining == 0:
            while self._line() not in (b"\r\n", b"\n"):
                pass
        return self._remaining > 0

    def _end_of_chunk(self) -> None:
        if self._line() not in (b"\r\n", b"\n"):
            raise BodyError(400, "a chunk is longer than its size")
