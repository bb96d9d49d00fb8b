"""Accepts clients on the loopback interface, a thread each."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from contextlib import suppress

from exallm.local.engine.database import Database
from exallm.local.wire.conversation import Conversation
from exallm.local.wire.credentials import Credentials
from exallm.local.wire.websocket import WebSocket
from exallm_udfs.errors import ExallmError

HOST = "127.0.0.1"
_CLIENT_LIMIT = 200
_LOG = logging.getLogger(__name__)


class Listener:
    """The engine's port.

    :param port: 0 for any that is free.
    :raises ExallmError: E-EXALLM-LOCAL-1 where the port is in use.
    """

    def __init__(self, port: int, database: Database, credentials: Credentials) -> None:
        self._database = database
        self._credentials = credentials
        self._clients: set[WebSocket] = set()
        self._lock = threading.Lock()
        try:
            self._socket = socket.create_server((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise ExallmError(
                "E-EXALLM-LOCAL-1",
                f"port {port} is in use or not permitted",
                "choose another one with --port, or 0 for any that is free",
            ) from error
        self.port = int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Accept clients until ``stop``."""
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # stop() has closed the socket
            threading.Thread(target=self._serve_client, args=[connection], daemon=True).start()

    def stop(self) -> None:
        """Close the port and every client's connection."""
        with suppress(OSError):  # not listening any more is what is wanted
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.close()

    def _serve_client(self, connection: socket.socket) -> None:
        client = WebSocket(connection)
        with self._lock:
            if len(self._clients) >= _CLIENT_LIMIT:
                client.close()
                return
            self._clients.add(client)
        try:
            Conversation(client, self._database, self._credentials).run()
        except Exception:
            _LOG.exception("a client's connection ended with an error")
        finally:
            client.close()
            with self._lock:
                self._clients.discard(client)
