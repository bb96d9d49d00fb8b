"""Connections that clients have opened for an IMPORT or EXPORT and that wait for its statement."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

_LOOK_S = 1.0
_FIRST_PORT, _PORTS = 1024, 64512


@dataclass(frozen=True)
class _Waiting:
    connection: socket.socket
    taken: threading.Event = field(default_factory=threading.Event)


class Tunnels:
    """The waiting connections by number; safe to use from all threads.

    The number is a port that nothing listens on: SQL names it as ``http://127.0.0.1:number``.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, connection: socket.socket) -> int:
        """Keep a connection; the number under which it waits, which cannot be guessed."""
        with self._lock:
            number = _FIRST_PORT + secrets.randbelow(_PORTS)
            while number in self._waiting:
                number = _FIRST_PORT + secrets.randbelow(_PORTS)
            self._waiting[number] = _Waiting(connection)
        return number

    def take(self, number: int) -> socket.socket | None:
        """The connection that waits under this number, for one statement; None where none does."""
        with self._lock:
            waiting = self._waiting.pop(number, None)
        if waiting is None:
            return None
        waiting.taken.set()
        return waiting.connection

    def watch(self, number: int, seconds: float) -> None:
        """Wait until the connection is taken; close it where its client leaves or time runs out."""
        deadline = time.monotonic() + seconds
        waiting = self._waiting.get(number)
        while waiting is not None and not waiting.taken.wait(_LOOK_S):
            with self._lock:
                is_here = self._waiting.get(number) is waiting
                if is_here and not _has_left(waiting.connection) and time.monotonic() < deadline:
                    continue
                if is_here:
                    del self._waiting[number]
                    waiting.connection.close()
            return

    def close(self) -> None:
        """Close all that wait."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.connection.close()
                waiting.taken.set()
            self._waiting.clear()


def _has_left(connection: socket.socket) -> bool:
    """Whether the client has closed its end, or speaks before it is spoken to."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
