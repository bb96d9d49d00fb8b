"""A client's connection as bytes, plain or under TLS."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import Protocol

_READ_BYTES = 1 << 16
_WRITE_BYTES = 1 << 20


class Stream(Protocol):
    """Bytes both ways. One thread receives; any thread may send, one at a time."""

    def receive(self) -> bytes:
        """Some bytes; none where the client has gone. :raises OSError: where it broke off."""

    def send(self, data: bytes) -> None:
        """Send all; :raises OSError: where the client is gone or does not read."""

    def close(self) -> None:
        """Close the connection, whatever state it is in."""


class PlainStream:
    """A connection without TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def receive(self) -> bytes:
        """See :class:`Stream`."""
        return self._socket.recv(_READ_BYTES)

    def send(self, data: bytes) -> None:
        """See :class:`Stream`."""
        self._socket.sendall(data)

    def close(self) -> None:
        """See :class:`Stream`."""
        close(self._socket)


class TlsStream:
    """The server's end of a TLS connection.

    OpenSSL's state must not be used by two threads at once, and a thread that waits for bytes must
    keep nobody from sending: so the waiting happens on the bare socket, outside the lock.

    :raises OSError: from ``handshake`` and all others where the client breaks TLS.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self._socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._lock = threading.Lock()

    def handshake(self) -> None:
        """Agree on keys, before anything else."""
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            self._feed(self._socket.recv(_READ_BYTES))

    def receive(self) -> bytes:
        """See :class:`Stream`."""
        while True:
            with self._lock:
                try:
                    return self._tls.read(_READ_BYTES)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
                finally:
                    self._flush()
            data = self._socket.recv(_READ_BYTES)
            with self._lock:
                self._feed(data)

    def send(self, data: bytes) -> None:
        """See :class:`Stream`."""
        rest = memoryview(data)
        with self._lock:
            while rest:
                written = self._tls.write(rest[:_WRITE_BYTES])
                rest = rest[written:]
                self._flush()

    def close(self) -> None:
        """See :class:`Stream`."""
        close(self._socket)

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.sendall(self._outgoing.read())


def tls_context(certificate_file: str, key_file: str) -> ssl.SSLContext:
    """How the server speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_file, key_file)
    return context


def limit_sending(connection: socket.socket, seconds: float) -> None:
    """Let no send wait longer than this for a client that does not read."""
    whole = int(seconds)
    wait = struct.pack("ll", whole, int((seconds - whole) * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)


def close(connection: socket.socket) -> None:
    """Close a socket, also while another thread waits on it."""
    with suppress(OSError):  # a socket that the client has reset is closed already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
