"""One WebSocket connection over a stream: whole messages in, whole messages out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Event
from websockets.server import ServerProtocol

from exallm.local.wire.stream import Stream

MESSAGE_LIMIT = 128 * 1024 * 1024
_STRANGERS_LIMIT = 1024 * 1024
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class WebSocket:
    """The server's end. One thread reads; any thread may send."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._protocol = ServerProtocol(max_size=_STRANGERS_LIMIT)
        self._lock = threading.Lock()

    def allow_large_messages(self) -> None:
        """From now on, take messages of up to ``MESSAGE_LIMIT``: the client is no stranger."""
        self._protocol.max_message_size = MESSAGE_LIMIT

    def messages(self) -> Iterator[bytes]:
        """The client's messages until it closes; text and binary ones alike, as bytes."""
        parts: list[bytes] = []
        while data := self._read():
            try:
                events, closing = self._received(data)
            except OSError:
                return  # the client was gone before it could be answered
            for event in events:
                if isinstance(event, Frame) and event.opcode in _DATA:
                    parts.append(bytes(event.data))
                    if event.fin:
                        yield b"".join(parts)
                        parts = []
            if closing:
                return

    def _received(self, data: bytes) -> tuple[list[Event], bool]:
        """What the bytes mean, and whether the connection is to be closed; pings are answered."""
        with self._lock:
            self._protocol.receive_data(data)
            events = self._protocol.events_received()
            for event in events:
                if isinstance(event, Request):
                    self._protocol.send_response(self._protocol.accept(event))
            self._flush()
            return events, self._protocol.close_expected()

    def send(self, message: bytes, text: bool) -> None:
        """Send one message, as text or binary; :raises OSError: where the client is gone."""
        with self._lock:
            if text:
                self._protocol.send_text(message)
            else:
                self._protocol.send_binary(message)
            self._flush()

    def heartbeat(self) -> None:
        """Tell the client that its request is being worked on; :raises OSError: as ``send``."""
        with self._lock:
            self._protocol.send_pong(b"")
            self._flush()

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self._stream.close()

    def _read(self) -> bytes:
        try:
            return self._stream.receive()
        except OSError:
            return b""

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._stream.send(data)
