"""Accepts clients on the loopback interface, a thread each.

One port serves three kinds of client, which their first byte tells apart: TLS, a tunnel for
IMPORT and EXPORT, and everything else, which must be a WebSocket.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import threading
import time
from contextlib import suppress

from exallm.local.engine.database import Database
from exallm.local.session_facts import ClientFacts
from exallm.local.sql_error import SqlError
from exallm.local.wire.conversation import Conversation, refuse
from exallm.local.wire.credentials import Credentials
from exallm.local.wire.limits import Limits
from exallm.local.wire.stream import PlainStream, Stream, TlsStream, close, limit_sending
from exallm.local.wire.tunnel_entrance import FIRST_BYTE as TUNNEL
from exallm.local.wire.tunnel_entrance import TunnelEntrance
from exallm.local.wire.websocket import WebSocket
from exallm_udfs.errors import ExallmError

HOST = "127.0.0.1"
_TLS = b"\x16"
_BACKLOG = 1024
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_S = 0.1
_LOG = logging.getLogger(__name__)


class Listener:
    """The engine's port.

    :param port: 0 for any that is free.
    :param tls: how TLS is spoken.
    :raises ExallmError: E-EXALLM-LOCAL-1 where the port is in use.
    """

    def __init__(
        self,
        port: int,
        database: Database,
        credentials: Credentials,
        tls: ssl.SSLContext,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._tls = tls
        self._limits = limits or Limits()
        self._entrance = TunnelEntrance(HOST, database.tunnels, self._limits)
        self._connections: set[socket.socket] = set()
        self._clients = 0
        self._lock = threading.Lock()
        try:
            self._socket = socket.create_server((HOST, port), backlog=_BACKLOG)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise ExallmError(
                "E-EXALLM-LOCAL-1",
                f"port {port} is in use or not permitted",
                "choose another one with --port, or 0 for any that is free",
            ) from error
        self.port = int(self._socket.getsockname()[1])

    @property
    def clients(self) -> int:
        """How many clients there are, tunnels and those sent away not counted."""
        return self._clients

    def serve(self) -> None:
        """Accept clients until ``stop``."""
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError as error:
                if error.errno not in _TOO_MANY_FILES:
                    return  # stop() has closed the socket
                time.sleep(_PAUSE_S)
                continue
            self._start(connection)

    def stop(self) -> None:
        """Close the port and every client's connection."""
        with suppress(OSError):  # not listening any more is what is wanted
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._database.tunnels.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            close(connection)

    def _start(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._connections) >= self._limits.sessions + self._limits.refusals:
                close(connection)
                return
            self._connections.add(connection)
        threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._welcome(connection)
        except OSError:
            pass  # the client broke off, or was silent for too long
        except Exception:
            _LOG.exception("a client's connection ended with an error")
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _welcome(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        limit_sending(connection, self._limits.send_s)
        connection.settimeout(self._limits.login_s)
        try:
            first = connection.recv(1, socket.MSG_PEEK)
            if first == TUNNEL:
                self._entrance.admit(connection)
                return
            stream: Stream = PlainStream(connection)
            if first == _TLS:
                stream = secured = TlsStream(connection, self._tls)
                secured.handshake()
            client = ClientFacts(host=HOST, encrypted=first == _TLS)
            self._converse(WebSocket(stream), connection, client)
        except BaseException:
            close(connection)
            raise

    def _converse(
        self, messages: WebSocket, connection: socket.socket, client: ClientFacts
    ) -> None:
        with self._lock:
            is_full = self._clients >= self._limits.sessions
            self._clients += not is_full
        try:
            if is_full:
                refuse(messages, self._too_many())
                return
            connection.settimeout(None)  # from here on the conversation watches over the time
            Conversation(messages, client, self._database, self._credentials, self._limits).run()
        finally:
            messages.close()
            with self._lock:
                self._clients -= not is_full

    def _too_many(self) -> SqlError:
        return SqlError(
            "08004",
            f"Connection exception - E-EXALLM-LOCAL-8: {self._limits.sessions} sessions are open,"
            " which is the most that the embedded engine has; close one and connect again",
        )
