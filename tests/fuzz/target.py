"""The engine that is fuzzed: how each kind of input reaches it, and what it holds."""

from __future__ import annotations

import json
import socket
import struct
import threading
import zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyexasol
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from exallm.local.engine_home import USER, EngineHome
from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tests.test_engine_protocol import log_in

_PATIENCE_S = 30.0
_QUERY_S = 5


class Target:
    """One engine.

    :param seed: of the inputs.
    """

    def __init__(self, home: EngineHome, seed: int) -> None:
        running = home.running()
        assert running is not None
        self._home, self._port, self._pid = home, running.port, running.pid
        self._mutator = Mutator(seed, corpus.WORDS)
        self._client: ClientConnection | None = None
        self._compressed = False
        self.cases_by_kind: Counter[str] = Counter()
        self.unanswered: list[str] = []
        self._kinds = {
            "connection": self._connection,
            "request": self._request,
            "statement": self._statement,
            "prepared": self._prepared,
            "transfer": self._transfer,
        }

    def prepare(self) -> None:
        """Make what the statements of the corpus read."""
        with self._connect() as session:
            session.execute("CREATE SCHEMA FUZZ")
            session.execute("CREATE TABLE T (A INT, B VARCHAR(10), C DOUBLE, D BOOLEAN)")
            session.execute("INSERT INTO T VALUES (1, 'a', 1.5, TRUE), (2, NULL, NULL, NULL)")

    def one_case(self) -> None:
        """Send one broken input of any kind."""
        kind = self._mutator.random.choice(list(self._kinds))
        self.cases_by_kind[kind] += 1
        self._kinds[kind]()

    def is_alive(self) -> bool:
        """Whether a new client is served."""
        try:
            with self._connect() as session:
                return bool(session.execute("SELECT 1").fetchval() == 1)
        except pyexasol.ExaError as error:
            print(error)
            return False

    def close_clients(self) -> None:
        """End what the fuzzer holds open."""
        if self._client is not None:
            with suppress(OSError, WebSocketException):
                self._client.close()
            self._client = None

    def sockets(self) -> int:
        """The connections that the engine's process holds."""
        count = 0
        for entry in Path(f"/proc/{self._pid}/fd").iterdir():
            with suppress(OSError):  # it was closed in the meantime
                count += str(entry.readlink()).startswith("socket:")
        return count

    def memory_mib(self) -> int:
        """The engine's resident memory."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) // 1024

    def _connect(self) -> Any:
        return pyexasol.connect(
            dsn=f"127.0.0.1:{self._port}",
            user=USER,
            password=self._home.password(),
            encryption=False,
        )

    # --- kinds of input ------------------------------------------------------------------------

    def _connection(self) -> None:
        """Bytes on a new connection."""
        data = self._mutator.mutated(corpus.CONNECTIONS)
        address = ("127.0.0.1", self._port)
        with suppress(OSError), socket.create_connection(address, timeout=1) as connection:
            connection.sendall(data)
            if self._mutator.random.random() < 0.5:
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)

    def _request(self) -> None:
        """A request that is nearly one."""
        self._ask(self._mutator.mutated(corpus.REQUESTS))

    def _statement(self) -> None:
        """SQL that is nearly SQL."""
        text = self._mutator.mutated(corpus.STATEMENTS).decode(errors="replace")
        self._ask(json.dumps({"command": "execute", "sqlText": text}).encode())

    def _prepared(self) -> None:
        """A prepared statement, with values that fit more or less."""
        text = self._mutator.mutated(corpus.STATEMENTS).decode(errors="replace")
        answer = self._ask(
            json.dumps({"command": "createPreparedStatement", "sqlText": text}).encode()
        )
        handle = (answer or {}).get("responseData", {}).get("statementHandle")
        if handle is None:
            return
        request = {
            "command": "executePreparedStatement",
            "statementHandle": handle,
            "numRows": 2,
            "data": [[1, None], ["a", "b"]],
        }
        data = json.dumps(request).encode()
        self._ask(self._mutator.mutated([data]) if self._mutator.random.random() < 0.5 else data)
        closing = {"command": "closePreparedStatement", "statementHandle": handle}
        self._ask(json.dumps(closing).encode())

    def _transfer(self) -> None:
        """An IMPORT from a server whose HTTP and CSV are nearly right."""
        answer = self._mutator.mutated(corpus.ANSWERS)
        name = self._mutator.random.choice(("a.csv", "a.csv.gz", "a.bz2"))
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as tunnel:
            tunnel.sendall(corpus.MAGIC)
            packet = tunnel.recv(24, socket.MSG_WAITALL)
            if len(packet) < 24:
                return
            number = struct.unpack("ii16s", packet)[1]
            server = threading.Thread(target=_serve, args=(tunnel, answer))
            server.start()
            sql = f"IMPORT INTO T FROM CSV AT 'http://127.0.0.1:{number}' FILE '{name}'"
            self._ask(json.dumps({"command": "execute", "sqlText": sql}).encode())
            with suppress(OSError):
                tunnel.shutdown(socket.SHUT_RDWR)
            server.join()

    def _ask(self, message: bytes) -> dict[str, Any] | None:
        """Send a request on a client that is logged in; its answer, None where it has none."""
        client = self._logged_in()
        try:
            client.send(zlib.compress(message, 1) if self._compressed else message)
            if b"abortQuery" in message:
                return None
            answer = client.recv(timeout=_PATIENCE_S)
            data = answer.encode() if isinstance(answer, str) else answer
            found: dict[str, Any] = json.loads(zlib.decompress(data) if self._compressed else data)
            return found
        except TimeoutError:
            self.unanswered.append(message[:500].decode(errors="replace"))
            self.close_clients()
        except (OSError, WebSocketException):
            self.close_clients()  # the request was one to leave
        return None

    def _logged_in(self) -> ClientConnection:
        if self._client is None or self._mutator.random.random() < 0.01:
            self.close_clients()
            self._compressed = self._mutator.random.random() < 0.3
            url = f"ws://127.0.0.1:{self._port}"
            self._client = connect_websocket(url, compression=None, max_size=None, open_timeout=60)
            attributes = {"currentSchema": "FUZZ", "queryTimeout": _QUERY_S}
            log_in(
                self._client,
                self._home.password(),
                useCompression=self._compressed,
                attributes=attributes,
            )
        return self._client


def _serve(tunnel: socket.socket, answer: bytes) -> None:
    """Answer the first request on a tunnel with these bytes, and leave."""
    with suppress(OSError):
        if tunnel.recv(65536):
            tunnel.sendall(answer)
            tunnel.shutdown(socket.SHUT_WR)
