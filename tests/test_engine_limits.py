"""What one client may take from the engine, and what becomes of one that asks for more."""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyexasol
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from exallm.local.certificate import create_certificate
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine.database import Database, DatabaseSettings
from exallm.local.engine_home import USER, EngineHome
from exallm.local.transport.tunnels import Tunnels
from exallm.local.wire.credentials import Credentials
from exallm.local.wire.limits import Limits
from exallm.local.wire.listener import Listener
from exallm.local.wire.stream import tls_context
from exallm.local.wire.tunnel_entrance import TunnelEntrance
from tests.test_engine_protocol import ask, log_in
from tests.test_engine_transport import MAGIC

PASSWORD = "a password"
LIMITS = Limits(sessions=3, login_s=1.0, send_s=1.0, tunnels=2, tunnel_s=1.0)


@dataclass(frozen=True)
class SmallEngine:
    """A listener in this process, with narrow limits."""

    database: Database
    listener: Listener

    def connect(self, **options: Any) -> Any:
        settings = {"user": USER, "password": PASSWORD, "encryption": False, **options}
        return pyexasol.connect(dsn=f"127.0.0.1:{self.listener.port}", **settings)

    def bare(self) -> ClientConnection:
        url = f"ws://127.0.0.1:{self.listener.port}"
        return connect_websocket(url, compression=None, max_size=None)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallEngine]:
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    create_certificate(certificate, key)
    database = Database(DatabaseSettings(tmp_path / "db", tmp_path / "buckets"))
    credentials = Credentials(USER, PASSWORD, database.knows)
    tls = tls_context(str(certificate), str(key))
    listener = Listener(0, database, credentials, tls, LIMITS)
    serving = threading.Thread(target=listener.serve)
    serving.start()
    engine = SmallEngine(database, listener)
    yield engine
    with engine.connect() as last:
        assert last.execute("SELECT 1").fetchall() == [(1,)]
    listener.stop()
    serving.join()
    database.close()


def test_one_session_too_many_is_told_so(small: SmallEngine) -> None:
    sessions = [small.connect() for _ in range(3)]
    with pytest.raises(pyexasol.ExaRequestError, match="LOCAL-8: 3 sessions are open") as raised:
        small.connect()
    assert raised.value.code == "08004"
    assert all(session.execute("SELECT 1").fetchval() == 1 for session in sessions)
    sessions.pop().close()
    time.sleep(0.5)
    sessions.append(small.connect())
    for session in sessions:
        session.close()
    time.sleep(0.5)


def test_who_does_not_log_in_is_sent_away(small: SmallEngine) -> None:
    silent = small.bare()
    halfway = small.bare()
    ask(halfway, {"command": "login", "protocolVersion": 3})
    for client in (silent, halfway):
        started = time.monotonic()
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
        assert time.monotonic() - started < 5


def test_an_idle_session_ends_and_a_busy_one_does_not(small: SmallEngine) -> None:
    digits = ", ".join(
        f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)" for n in range(9)
    )
    with small.connect(query_timeout=4) as busy:
        busy.execute("ALTER SESSION SET IDLE_TIMEOUT = 1")
        with pytest.raises(pyexasol.ExaQueryTimeoutError):
            busy.execute(f"SELECT SUM(D0.N * D1.N * D2.N) FROM {digits}")
        assert busy.execute("SELECT 1").fetchval() == 1
        time.sleep(3)
        with pytest.raises(pyexasol.ExaError):
            busy.execute("SELECT 1")
        busy._ws.connected = False
    with small.connect() as other, pytest.raises(pyexasol.ExaQueryError, match="takes seconds"):
        other.execute("ALTER SESSION SET IDLE_TIMEOUT = 'soon'")


def test_a_client_that_stops_reading_is_sent_away(small: SmallEngine) -> None:
    url = f"ws://127.0.0.1:{small.listener.port}"
    client = connect_websocket(url, compression=None, max_size=None, max_queue=1)
    log_in(client, PASSWORD)
    many = ", ".join(
        f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)" for n in range(3)
    )
    request = {"command": "execute", "sqlText": f"SELECT LPAD('x', 10000, 'y') AS T FROM {many}"}

    def flood() -> None:
        with suppress(ConnectionClosed):
            for _ in range(1000):
                client.send(json.dumps(request))  # and no answer is ever read

    sender = threading.Thread(target=flood)
    sender.start()
    with small.connect() as other:
        started = time.monotonic()
        while small.listener.clients > 1 and time.monotonic() - started < 60:
            assert other.execute("SELECT 1").fetchval() == 1
            time.sleep(0.2)
        assert small.listener.clients == 1
    client.socket.close()
    sender.join()


def test_a_password_for_another_login_is_refused(small: SmallEngine) -> None:
    first, second = small.bare(), small.bare()
    keys = [ask(c, {"command": "login", "protocolVersion": 3}) for c in (first, second)]
    pems = [key["responseData"]["publicKeyPem"] for key in keys]
    assert pems[0] != pems[1]
    public = load_pem_public_key(pems[0].encode())
    encrypted = public.encrypt(PASSWORD.encode(), padding.PKCS1v15())  # type: ignore[union-attr]
    request = {"username": USER, "password": base64.b64encode(encrypted).decode()}
    assert ask(second, request)["exception"]["sqlCode"] == "08004"
    assert ask(first, request)["status"] == "ok"
    third = small.bare()
    ask(third, {"command": "login", "protocolVersion": 3})
    assert ask(third, request)["exception"]["sqlCode"] == "08004"
    first.close()


@pytest.mark.parametrize("password", ["x" * 10_000, base64.b64encode(b"y" * 10_000).decode(), ""])
def test_a_password_of_any_length_is_only_wrong(small: SmallEngine, password: str) -> None:
    client = small.bare()
    ask(client, {"command": "login", "protocolVersion": 3})
    answer = ask(client, {"username": USER, "password": password})
    assert answer["exception"]["sqlCode"] == "08004"


def test_tunnels_are_bounded_and_do_not_wait_for_ever(small: SmallEngine) -> None:
    def open_tunnel() -> socket.socket:
        tunnel = socket.create_connection(("127.0.0.1", small.listener.port), timeout=10)
        tunnel.sendall(MAGIC)
        return tunnel

    tunnels = [open_tunnel() for _ in range(2)]
    assert all(len(tunnel.recv(24)) == 24 for tunnel in tunnels)
    assert open_tunnel().recv(24) == b""
    started = time.monotonic()
    assert [tunnel.recv(24) for tunnel in tunnels] == [b"", b""]  # they waited for too long
    assert time.monotonic() - started < 5
    with socket.create_connection(("127.0.0.1", small.listener.port), timeout=10) as wrong:
        wrong.sendall(MAGIC[:4] + bytes(8))
        assert wrong.recv(24) == b""
    assert len(small.database.tunnels) == 0


def test_the_packet_of_a_tunnel_may_come_in_pieces(small: SmallEngine) -> None:
    with socket.create_connection(("127.0.0.1", small.listener.port), timeout=10) as slow:
        slow.sendall(MAGIC[:5])
        time.sleep(0.3)
        slow.sendall(MAGIC[5:])
        assert len(slow.recv(24)) == 24


def test_a_client_that_does_not_wait_for_its_tunnel_takes_none() -> None:
    tunnels = Tunnels()
    client, connection = socket.socketpair()
    client.sendall(MAGIC)
    client.close()
    TunnelEntrance("127.0.0.1", tunnels, LIMITS).admit(connection)
    assert len(tunnels) == 0


def test_a_statement_of_100_megabytes_is_answered(engine: EngineHome, connect: Any) -> None:
    with connect() as connection:
        text = "x" * 100_000_000
        with pytest.raises(pyexasol.ExaQueryError, match="NO_SUCH"):
            connection.execute(f"SELECT LENGTH('{text}') FROM NO_SUCH")
        assert connection.execute("SELECT 1").fetchval() == 1
        with pytest.raises(pyexasol.ExaCommunicationError):
            connection.execute(f"SELECT '{text}{text[:40_000_000]}'")
    with connect() as other:
        assert other.execute("SELECT 1").fetchval() == 1


def test_1000_connections_at_once_are_served_or_refused(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    home = EngineHome(tmp_path / "local")
    running = start(home, EngineSettings(port=0, workers=1))
    try:
        answers = asyncio.run(_log_in_at_once(running.dsn, 1000))
        refused = [a for a in answers if a["status"] == "error"]
        assert len(answers) == 1000
        assert len(answers) - len(refused) >= Limits().sessions
        assert refused
        assert all("LOCAL-8" in answer["exception"]["text"] for answer in refused)
        with pyexasol.connect(
            dsn=running.dsn, user=USER, password=home.password(), encryption=False
        ) as connection:
            assert connection.execute("SELECT 1").fetchval() == 1
    finally:
        stop(home)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _log_in_at_once(dsn: str, count: int) -> list[dict[str, Any]]:
    """What each of so many clients hears when all of them are there."""
    ready = asyncio.Event()
    arrived = 0

    async def one() -> dict[str, Any]:
        nonlocal arrived
        async with connect_async(f"ws://{dsn}", compression=None, open_timeout=60) as client:
            await client.send(json.dumps({"command": "login", "protocolVersion": 3}))
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), 120))
            arrived += 1
            if arrived == count:
                ready.set()
            await asyncio.wait_for(ready.wait(), 120)
            return answer

    return await asyncio.gather(*(one() for _ in range(count)))
