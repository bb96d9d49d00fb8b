"""Starting and stopping the embedded engine, and what its folder holds."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.local.control import EngineSettings, require_running, start, stop
from exallm.local.engine_home import USER, EngineHome
from exallm_udfs.errors import ExallmError
from tests.engine_processes import wait_for, workers_of

ANY_PORT = EngineSettings(port=0, workers=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[EngineHome]:
    home = EngineHome(tmp_path / "local")
    yield home
    stop(home)


def connect(home: EngineHome) -> Any:
    running = require_running(home)
    return pyexasol.connect(dsn=running.dsn, user=USER, password=home.password(), encryption=False)


def exallm(home: EngineHome, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "exallm.cli.main", *arguments]


def environment(home: EngineHome) -> dict[str, str]:
    return {**os.environ, "EXALLM_HOME": str(home.folder.parent)}


def run(home: EngineHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        exallm(home, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env=environment(home),
    )


def test_a_second_start_finds_the_engine_running(home: EngineHome) -> None:
    first = start(home, ANY_PORT)
    assert start(home, ANY_PORT) == first
    with connect(home) as connection:
        assert connection.execute("SELECT CURRENT_USER").fetchall() == [("SYS",)]


def test_stop_ends_the_process_and_says_whether_there_was_one(home: EngineHome) -> None:
    running = start(home, ANY_PORT)
    assert stop(home)
    assert not stop(home)
    assert home.running() is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port))
    with pytest.raises(ExallmError, match="E-EXALLM-LOCAL-6"):
        require_running(home)


def test_only_the_owner_can_read_what_is_secret(home: EngineHome) -> None:
    start(home, ANY_PORT)
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    secrets = [file for file in home.folder.iterdir() if "password" in file.name]
    assert len(secrets) == 3
    for file in secrets:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len({file.read_text() for file in secrets}) == 3
    assert len(home.password()) >= 24
    assert home.password() not in home.log_file.read_text()


def test_the_engine_listens_on_loopback_only(home: EngineHome) -> None:
    running = start(home, ANY_PORT)
    listening = [
        line.split()[1]
        for file in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(file).exists()
        for line in Path(file).read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    ours = {f"{running.port:04X}", f"{running.bucketfs_port:04X}"}
    found = [address for address in listening if address.split(":")[1] in ours]
    assert all(address.split(":")[0] == "0100007F" for address in found)
    assert len(found) == 2 or not Path("/proc/net/tcp").exists()


def test_a_port_in_use_is_one_clear_line(home: EngineHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(home, "local", "start", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"E-EXALLM-LOCAL-1: port {port} is in use")
    assert done.stderr.count("\n") == 1
    assert home.running() is None


def test_a_broken_database_file_is_one_clear_line(home: EngineHome) -> None:
    home.create()
    home.database_file.write_bytes(b"not a database" * 1000)
    with pytest.raises(ExallmError, match=r"E-EXALLM-LOCAL-3: the database .* does not open"):
        start(home, ANY_PORT)
    assert home.database_file.read_bytes().startswith(b"not a database")


def test_data_and_password_survive_a_restart(home: EngineHome) -> None:
    start(home, ANY_PORT)
    with connect(home) as connection:
        connection.execute("CREATE SCHEMA S")
        connection.execute("CREATE TABLE T (A VARCHAR(10))")
        connection.execute("INSERT INTO T VALUES ('kept')")
    password = home.password()
    stop(home)
    start(home, ANY_PORT)
    assert home.password() == password
    with connect(home) as connection:
        assert connection.execute("SELECT A FROM S.T").fetchall() == [("kept",)]


def test_a_killed_engine_loses_nothing_that_was_committed(home: EngineHome) -> None:
    running = start(home, ANY_PORT)
    connection = connect(home)
    connection.execute("CREATE SCHEMA S")
    connection.execute("CREATE TABLE T (A DECIMAL(9, 0))")
    connection.execute("INSERT INTO T VALUES (1)")
    connection.set_autocommit(False)
    connection.execute("INSERT INTO T VALUES (2)")
    os.kill(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while home.running() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert home.running() is None
    start(home, ANY_PORT)
    with connect(home) as again:
        assert again.execute("SELECT A FROM S.T").fetchall() == [(1,)]


def test_the_command_line_tells_facts_as_json(home: EngineHome) -> None:
    started = run(home, "local", "start", "--port", "0", "--json")
    assert started.returncode == 0, started.stderr
    facts = json.loads(started.stdout)
    assert json.loads(run(home, "local", "status", "--json").stdout) == facts
    assert Path(facts["password_file"]).read_text() == home.password()
    rows = run(home, "local", "sql", "SELECT 1 AS A, '' AS B", "--json")
    assert json.loads(rows.stdout) == [{"A": 1, "B": None}]
    failed = run(home, "local", "sql", "SELECT * FROM NOPE.T")
    assert failed.returncode == 1
    assert "E-EXALLM-DEPLOY-1: " in failed.stderr
    assert "[42000] schema NOPE not found" in failed.stderr
    assert run(home, "local", "stop").stdout == "stopped\n"
    assert run(home, "local", "status").returncode == 1


def test_an_interrupted_statement_ends_and_the_engine_goes_on(home: EngineHome) -> None:
    start(home, ANY_PORT)
    with connect(home) as connection:
        connection.execute("CREATE SCHEMA S")
        connection.execute(
            "CREATE PYTHON3 SCALAR SCRIPT S.SLEEP() RETURNS DOUBLE AS\n"
            "import time\n"
            "def run(ctx):\n"
            "    time.sleep(600)\n"
        )
    process = subprocess.Popen(
        exallm(home, "local", "sql", "SELECT S.SLEEP()"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
    )
    wait_for(lambda: workers_of(require_running(home).pid))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("interrupted\n")
    with connect(home) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    wait_for(lambda: not workers_of(require_running(home).pid))


@pytest.mark.parametrize(
    "arguments",
    [{"port": -1}, {"port": 70000}, {"workers": 0}, {"reply_timeout_s": 0}],
)
def test_settings_that_contradict_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"port|workers"):
        EngineSettings(**arguments)


def test_a_client_with_little_patience_outlasts_a_long_statement(home: EngineHome) -> None:
    running = start(home, ANY_PORT)
    with pyexasol.connect(
        dsn=running.dsn, user=USER, password=home.password(), encryption=False, socket_timeout=2
    ) as connection:
        connection.execute("CREATE SCHEMA S")
        connection.execute(
            "CREATE PYTHON3 SCALAR SCRIPT S.SLEEP(X DOUBLE) RETURNS DOUBLE AS\n"
            "import time\n"
            "def run(ctx):\n"
            "    time.sleep(ctx.X)\n"
            "    return ctx.X\n"
        )
        assert connection.execute("SELECT S.SLEEP(4.5)").fetchall() == [(4.5,)]
