"""TLS on the port of everything: certificate, fingerprint, and what a client may break."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.local.certificate import create_certificate
from exallm.local.engine_home import USER, EngineHome


def connect_tls(home: EngineHome, fingerprint: str | None, **options: Any) -> Any:
    """A session as pyexasol opens it by default: with TLS."""
    running = home.running()
    assert running is not None
    host = "127.0.0.1" + (f"/{fingerprint}" if fingerprint else "")
    settings = {"user": USER, "password": home.password(), **options}
    return pyexasol.connect(dsn=f"{host}:{running.port}", **settings)


def test_pyexasol_connects_with_its_defaults_by_fingerprint(engine: EngineHome) -> None:
    with connect_tls(engine, engine.fingerprint()) as connection:
        assert connection.execute("SELECT 1, 'ü'").fetchall() == [(1, "ü")]
        certificate = connection._ws.sock.getpeercert(True)
        assert hashlib.sha256(certificate).hexdigest().upper() == engine.fingerprint()
        assert connection._ws.sock.version() == "TLSv1.3"


def test_the_system_tables_tell_who_speaks_tls(engine: EngineHome, connect: Any) -> None:
    query = "SELECT ENCRYPTED, HOST FROM EXA_DBA_SESSIONS WHERE SESSION_ID = CURRENT_SESSION"
    with connect_tls(engine, engine.fingerprint()) as secure, connect() as plain:
        assert secure.execute(query).fetchall() == [(True, "127.0.0.1")]
        assert plain.execute(query).fetchall() == [(False, "127.0.0.1")]


@pytest.mark.parametrize("compression", [False, True])
def test_without_a_check_and_with_compression(engine: EngineHome, compression: bool) -> None:
    with connect_tls(engine, "nocertcheck", compression=compression) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
        text = connection.execute("SELECT LPAD('x', 2000000, 'ä')").fetchval()
        assert (len(text), text[0], text[-1]) == (2_000_000, "ä", "x")


def test_another_fingerprint_is_none_of_ours(engine: EngineHome) -> None:
    with pytest.raises(pyexasol.ExaConnectionFailedError, match="did not match"):
        connect_tls(engine, "123ABC")


def test_a_client_that_trusts_the_certificate_file_needs_no_fingerprint(
    engine: EngineHome,
) -> None:
    trust = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": str(engine.certificate_file)}
    with connect_tls(engine, None, websocket_sslopt=trust) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_client_that_trusts_nobody_is_left_alone(engine: EngineHome, connect: Any) -> None:
    strict = {"cert_reqs": ssl.CERT_REQUIRED}
    with pytest.raises(pyexasol.ExaConnectionFailedError, match=r"(?i)certificate"):
        connect_tls(engine, None, websocket_sslopt=strict)
    with connect() as plain:
        assert plain.execute("SELECT 1").fetchall() == [(1,)]


def test_an_abort_passes_while_a_statement_runs(engine: EngineHome) -> None:
    with connect_tls(engine, engine.fingerprint()) as connection:
        digits = ", ".join(
            f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)"
            for n in range(9)
        )
        timer = threading.Timer(0.5, connection.abort_query)
        timer.start()
        with pytest.raises(pyexasol.ExaQueryAbortError):
            connection.execute(f"SELECT SUM(D0.N * D1.N * D2.N) FROM {digits}")
        timer.join()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_the_key_is_the_owners_and_both_files_stay(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "certificate.key"
    create_certificate(certificate, key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = (certificate.read_bytes(), key.read_bytes())
    create_certificate(certificate, key)
    assert (certificate.read_bytes(), key.read_bytes()) == before
    key.unlink()  # half of a pair is no pair
    create_certificate(certificate, key)
    assert certificate.read_bytes() != before[0]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    assert sorted(file.name for file in tmp_path.iterdir()) == [key.name, certificate.name]


def test_a_pair_of_which_half_was_written_is_made_anew(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "certificate.key"
    create_certificate(certificate, key)
    key.unlink()
    obstacle = tmp_path / "certificate.pem.unfinished"
    obstacle.mkdir()
    with pytest.raises(OSError, match="unfinished"):
        create_certificate(certificate, key)  # ends between the key and the certificate
    obstacle.rmdir()
    create_certificate(certificate, key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_status_tells_the_fingerprint(engine: EngineHome) -> None:
    command = [sys.executable, "-m", "exallm.cli.main", "local", "status"]
    environment = {**os.environ, "EXALLM_HOME": str(engine.folder.parent)}
    facts = subprocess.run(
        [*command, "--json"], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(facts.stdout)
    assert told["fingerprint"] == engine.fingerprint()
    with pyexasol.connect(dsn=told["tls_dsn"], user=USER, password=engine.password()) as session:
        assert session.execute("SELECT 1").fetchval() == 1
    lines = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"fingerprint    {engine.fingerprint()}" in lines.stdout


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600,
        b"\x16\x03\x01\xff\xff" + b"\0" * 70_000,
        b"\x15\x03\x01\x00\x02\x01\x00",
    ],
)
def test_broken_tls_harms_nobody(engine: EngineHome, connect: Any, noise: bytes) -> None:
    running = engine.running()
    assert running is not None
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        try:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass  # an alert at most, and then the end
        except OSError as error:  # hung up on with noise unread: the kernel resets the connection
            assert error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)
    with connect() as session:
        assert session.execute("SELECT 1").fetchall() == [(1,)]


def test_a_client_that_ends_in_the_midst_of_tls_leaves_no_session(
    engine: EngineHome, connect: Any
) -> None:
    session = connect_tls(engine, engine.fingerprint())
    session._ws.sock.unwrap = None
    session._ws.sock.shutdown(socket.SHUT_RDWR)
    with connect() as other:
        assert other.execute("SELECT 1").fetchall() == [(1,)]
