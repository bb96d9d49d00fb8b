"""Exasol's WebSocket protocol, over a bare socket where pyexasol cannot go."""

from __future__ import annotations

import base64
import json
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyexasol
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from exallm.local.engine_home import USER, EngineHome


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def many_rows(places: int) -> str:
    digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{} (N)"
    return ", ".join(digits.format(place) for place in range(places))


@pytest.mark.parametrize(
    ("user", "password"),
    [("sys", "wrong"), ("sys", ""), ("nobody", None), ("", None), ("😀", "😀")],
)
def test_a_wrong_login_is_refused(connect: Any, user: str, password: str | None) -> None:
    options = {"user": user} if password is None else {"user": user, "password": password}
    with pytest.raises(pyexasol.ExaAuthError, match="authentication failed"):
        connect(**options)


@pytest.fixture
def bare(engine: EngineHome, connect: Any) -> Iterator[ClientConnection]:
    """A WebSocket without a login; the engine must live on afterwards."""
    running = engine.running()
    assert running is not None
    with connect_websocket(f"ws://{running.dsn}", compression=None, max_size=None) as websocket:
        yield websocket
    with connect() as connection:
        assert rows(connection, "SELECT 1") == [(1,)]


def ask(websocket: ClientConnection, request: Any) -> dict[str, Any]:
    websocket.send(request if isinstance(request, (str, bytes)) else json.dumps(request))
    answer: dict[str, Any] = json.loads(websocket.recv(timeout=10))
    return answer


def log_in(websocket: ClientConnection, password: str, **facts: Any) -> dict[str, Any]:
    key = ask(websocket, {"command": "login", "protocolVersion": 3})["responseData"]
    public = load_pem_public_key(key["publicKeyPem"].encode())
    encrypted = public.encrypt(password.encode(), padding.PKCS1v15())  # type: ignore[union-attr]
    request = {"username": USER, "password": base64.b64encode(encrypted).decode(), **facts}
    return ask(websocket, request)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"username": "sys"},
        {"username": "sys", "password": ""},
        {"username": "sys", "password": "####"},
        {"username": "sys", "password": 7},
        {"username": ["sys"], "password": "AAAA"},
        {"command": "execute", "sqlText": "SELECT 1"},
        {"command": ["login"]},
        {"username": "sys", "accessToken": "x"},
    ],
)
def test_nothing_goes_without_a_login(bare: ClientConnection, request_: Any) -> None:
    answer = ask(bare, request_)
    assert (answer["status"], answer["exception"]["sqlCode"]) == ("error", "08004")
    with pytest.raises(ConnectionClosed):
        bare.recv(timeout=10)


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xfe not UTF-8",
        "not JSON",
        "",
        "[]",
        "7",
        "null",
        '{"command": "execute", "sqlText": "SEL',
        "[" * 100_000,
        '{"command": NaN',
        zlib.compress(b"{}"),
        b"\0" * 1000,
    ],
)
@pytest.mark.parametrize("logged_in", [False, True])
def test_a_message_that_is_none_gets_an_error(
    bare: ClientConnection, engine: EngineHome, message: str | bytes, logged_in: bool
) -> None:
    if logged_in:
        log_in(bare, engine.password())
    assert ask(bare, message)["status"] == "error"
    if logged_in:
        answer = ask(bare, {"command": "execute", "sqlText": "SELECT 1"})
        assert answer["responseData"]["results"][0]["resultSet"]["data"] == [[1]]


@pytest.mark.parametrize(
    "request_",
    [
        {"command": "nosuch"},
        {"command": None},
        {"command": ["execute"]},
        {"command": "execute"},
        {"command": "execute", "sqlText": None},
        {"command": "execute", "sqlText": ["SELECT 1"]},
        {"command": "executeBatch", "sqlTexts": "SELECT 1"},
        {"command": "executeBatch", "sqlTexts": [1]},
        {"command": "fetch", "resultSetHandle": 999, "startPosition": 0, "numBytes": 1000},
        {"command": "fetch", "resultSetHandle": "x"},
        {"command": "fetch"},
        {"command": "closeResultSet", "resultSetHandles": 7},
        {"command": "closeResultSet", "resultSetHandles": [[]]},
        {"command": "createPreparedStatement"},
        {"command": "createPreparedStatement", "sqlText": "SELECT ? FROM NO_SUCH"},
        {"command": "createPreparedStatement", "sqlText": ["SELECT ?"]},
        {"command": "executePreparedStatement", "statementHandle": 1},
        {"command": "setAttributes", "attributes": "x"},
        {"command": "setAttributes", "attributes": {"queryTimeout": "soon"}},
        {"command": "setAttributes", "attributes": {"queryTimeout": -1}},
        {"command": "setAttributes", "attributes": {"currentSchema": "NOSUCH"}},
        {"command": "setAttributes", "attributes": {"currentSchema": ["x"]}},
        {"command": "enterParallel", "hostIp": "127.0.0.1"},
    ],
)
def test_a_request_that_means_nothing_gets_an_error(
    bare: ClientConnection, engine: EngineHome, request_: Any
) -> None:
    log_in(bare, engine.password())
    answer = ask(bare, request_)
    assert answer["status"] == "error"
    assert answer["exception"]["text"]
    assert "Traceback" not in answer["exception"]["text"]
    result = ask(bare, {"command": "execute", "sqlText": "SELECT 1"})["responseData"]["results"][0]
    assert result["resultSet"]["data"] == [[1]]


def test_lone_surrogates_are_no_text(bare: ClientConnection, engine: EngineHome) -> None:
    log_in(bare, engine.password())
    answer = ask(bare, '{"command": "execute", "sqlText": "SELECT \'\\ud800\'"}')
    assert answer["status"] == "error"
    assert "UTF-8" in answer["exception"]["text"]
    answer = ask(bare, '{"command": "execute", "sqlText": "SELECT \\"\\ud800\\""}')
    assert answer["status"] == "error"


def test_fetch_gives_the_rows_that_are_asked_for(
    bare: ClientConnection, engine: EngineHome
) -> None:
    log_in(bare, engine.password())
    sql = f"SELECT D0.N + 10 * D1.N + 100 * D2.N + 1000 * D3.N AS I FROM {many_rows(4)} ORDER BY I"
    answer = ask(bare, {"command": "execute", "sqlText": sql})
    result = answer["responseData"]["results"][0]["resultSet"]
    assert (result["numRows"], result["numRowsInMessage"]) == (10_000, 0)
    fetch = {"command": "fetch", "resultSetHandle": result["resultSetHandle"]}
    first = ask(bare, {**fetch, "startPosition": 0, "numBytes": 1})["responseData"]
    assert first == {"numRows": 1, "data": [[0]]}
    last = ask(bare, {**fetch, "startPosition": 9_998, "numBytes": 2**30})["responseData"]
    assert last == {"numRows": 2, "data": [[9_998, 9_999]]}
    beyond = ask(bare, {**fetch, "startPosition": 10_000, "numBytes": 100})["responseData"]
    assert beyond["numRows"] == 0
    ask(bare, {"command": "closeResultSet", "resultSetHandles": [result["resultSetHandle"]]})
    assert ask(bare, {**fetch, "startPosition": 0, "numBytes": 1})["status"] == "error"


def test_a_batch_stops_at_its_first_error(bare: ClientConnection, engine: EngineHome) -> None:
    log_in(bare, engine.password())
    texts = [
        "CREATE SCHEMA S_BATCH",
        "CREATE TABLE T (A INT)",
        "SELEC",
        "DROP SCHEMA S_BATCH CASCADE",
    ]
    assert ask(bare, {"command": "executeBatch", "sqlTexts": texts})["status"] == "error"
    answer = ask(bare, {"command": "executeBatch", "sqlTexts": ["SELECT 1", texts[-1]]})
    assert answer["responseData"]["numResults"] == 2


def test_half_a_frame_and_other_noise_on_the_port_harm_nobody(
    engine: EngineHome, connect: Any
) -> None:
    running = engine.running()
    assert running is not None
    upgrade = (
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    noise = [
        b"",
        b"\0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 1_000_000,
        os.urandom(10_000),
        upgrade,
        upgrade + b"\x81\xff\x00\x00\x00\x00\x00\x00\x10\x00half",
        upgrade + b"\x81\x05hello",  # not masked
        upgrade + b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",  # far too long
        upgrade + b"\xf3\x80\x00\x00\x00\x00",  # no such kind of frame
    ]
    for data in noise:
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
            connection.sendall(data)
            if len(data) % 2:
                with suppress(OSError):  # the server may have closed the connection already
                    connection.shutdown(socket.SHUT_WR)
        with connect() as other:
            assert rows(other, "SELECT 1") == [(1,)]


def test_compressed_messages_that_are_broken_get_an_error(
    bare: ClientConnection, engine: EngineHome
) -> None:
    log_in(bare, engine.password(), useCompression=True)
    for message in (
        b"nonsense",
        zlib.compress(b"\xff"),
        zlib.compress(b"{}")[:-3],
        zlib.compress(b"0" * 200_000_000),
    ):
        bare.send(message)
        answer = json.loads(zlib.decompress(bare.recv(timeout=30)))  # type: ignore[arg-type]
        assert answer["status"] == "error"
    bare.send(zlib.compress(json.dumps({"command": "execute", "sqlText": "SELECT 1"}).encode()))
    answer = json.loads(zlib.decompress(bare.recv(timeout=10)))  # type: ignore[arg-type]
    assert answer["status"] == "ok"


def test_sessions_are_independent_and_many(connect: Any) -> None:
    sessions = [connect() for _ in range(30)]
    try:
        ids = {rows(session, "SELECT CURRENT_SESSION")[0][0] for session in sessions}
        assert len(ids) == 30
    finally:
        for session in sessions:
            session.close()
