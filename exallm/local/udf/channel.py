"""Frames between the engine and a UDF process: four bytes of length, then JSON as UTF-8.

Nothing here can run code on the reading side, so the engine may read what a hostile process sends.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

# One row may have many texts of 2,000,000 characters, each of up to six bytes in JSON.
FRAME_LIMIT = 512 * 1024 * 1024

_LENGTH = struct.Struct(">I")
_RECEIVE_SIZE = 1024 * 1024
_encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


class ChannelClosed(Exception):  # noqa: N818 - the end of a channel is no error by itself
    """The other side has closed the channel or ended."""


class FrameError(Exception):
    """The other side sent what is no frame."""


class Channel:
    """One side of a connected socket.

    Every method raises :class:`ChannelClosed` when the other side is gone, and ``TimeoutError``
    when the socket has a timeout and nothing moves for so long.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this side."""
        self._connection.close()

    def send(self, message: dict[str, Any]) -> None:
        """Send one frame; ``UnicodeEncodeError`` for a text that holds a lone surrogate."""
        payload = _encoder.encode(message).encode()
        if len(payload) > FRAME_LIMIT:
            raise FrameError(f"a frame of {len(payload)} bytes is above the limit of {FRAME_LIMIT}")
        try:
            self._connection.sendall(_LENGTH.pack(len(payload)) + payload)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosed from error

    def receive(self) -> dict[str, Any]:
        """Receive one frame; :class:`FrameError` if it is too long or no JSON object."""
        return parse_frame(self.receive_bytes())

    def receive_bytes(self) -> bytes:
        """Receive one frame without reading what is in it."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > FRAME_LIMIT:
            raise FrameError(f"a frame of {length} bytes is above the limit of {FRAME_LIMIT}")
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            try:
                part = self._connection.recv(min(length - len(parts), _RECEIVE_SIZE))
            except ConnectionResetError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            parts += part
        return bytes(parts)


def parse_frame(payload: bytes) -> dict[str, Any]:
    """The message in a frame; :class:`FrameError` if there is none."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame is not valid JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame is not a JSON object")
    return message
