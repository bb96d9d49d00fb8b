"""What UDF processes may not do, and what becomes of those that try."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm.local.engine_home import EngineHome
from exallm.local.udf.confined_start import protections
from exallm.local.udf.isolation import Isolation
from tests.engine_users import fails, rows
from tests.udf_calls import (
    ENVIRONMENT,
    INT_TO_INT,
    TEXT_TO_TEXT,
    batch,
    call,
    failure,
    numbers,
    values,
)

HAS = protections()
needs_files = pytest.mark.skipif(not HAS["files"], reason="this kernel has no Landlock")
needs_network = pytest.mark.skipif(not HAS["network"], reason="this kernel has no seccomp filters")
needs_signals = pytest.mark.skipif(not HAS["signals"], reason="this Landlock knows no signals")
needs_limits = pytest.mark.skipif(not HAS["limits"], reason="uses are measured on Linux only")

MEBIBYTE = 2**20
SMALL = replace(ENVIRONMENT, memory_limit=300 * MEBIBYTE)
EVALUATE = "import os, socket, subprocess, tempfile\ndef run(ctx):\n    return repr(eval(ctx.x))"


def evaluated(expression: str, isolation: Isolation | None = None) -> str:
    """What an expression gives inside a UDF process; '' is None."""
    environment = replace(ENVIRONMENT, isolation=isolation or Isolation())
    (found,) = values(TEXT_TO_TEXT, EVALUATE, batch([expression]), environment=environment)
    return str(found)


def refused(expression: str, isolation: Isolation | None = None) -> str:
    """The error of an expression inside a UDF process."""
    environment = replace(ENVIRONMENT, isolation=isolation or Isolation())
    error = failure(TEXT_TO_TEXT, EVALUATE, batch([expression]), environment=environment)
    assert error.code == "22002"
    return error.text.splitlines()[-1]


# --- limits ---


@needs_limits
@pytest.mark.parametrize(
    "lines",
    [
        "while True: kept.append(b'x' * 10_000_000)",
        "kept.append(b'x' * 2_000_000_000)\n    time.sleep(60)",
        "kept.append(mmap.mmap(-1, 1_000_000_000))\n    kept[0].write(b'x' * 700_000_000)\n"
        "    time.sleep(60)",
        "if os.fork() == 0: kept.append(b'x' * 700_000_000)\n    time.sleep(60)",
    ],
    ids=["pieces", "at once", "shared", "in a child"],
)
def test_a_script_that_allocates_without_end_is_ended(lines: str) -> None:
    body = f"import mmap, os, time\nkept = []\ndef run(ctx):\n    {lines}"
    error = failure(INT_TO_INT, body, numbers(1), environment=SMALL)
    assert error.code == "22002"
    assert "VM error: VM crashed: E-EXALLM-LOCAL-31: a process of script S.F" in error.text
    assert "and 300 MiB are allowed" in error.text


@needs_limits
def test_address_space_that_is_not_used_is_free() -> None:
    body = "import mmap\nspace = mmap.mmap(-1, 8 * 2**30)\ndef run(ctx): return len(space) >> 30"
    assert values(INT_TO_INT, body, numbers(1), environment=SMALL) == [8]


@needs_limits
@pytest.mark.parametrize(
    "lines",
    [
        "while True:\n        if os.fork() == 0: time.sleep(60)",
        "while True:\n        threading.Thread(target=time.sleep, args=(60,)).start()",
    ],
    ids=["processes", "threads"],
)
def test_a_script_that_forks_without_end_is_ended(tmp_path: Path, lines: str) -> None:
    isolation = Isolation(task_limit=60, writable=(tmp_path,))
    environment = replace(ENVIRONMENT, isolation=isolation)
    leader = tmp_path / "pid"
    body = (
        "import os, threading, time\ndef run(ctx):\n"
        f"    open({str(leader)!r}, 'w').write(str(os.getpid()))\n    {lines}"
    )
    error = failure(INT_TO_INT, body, numbers(1), environment=environment)
    assert error.code == "22002"
    # The kernel refuses the next one to whoever is not root; root is counted.
    assert any(words in error.text for words in ("E-EXALLM-LOCAL-32", "Errno 11", "new thread"))
    assert eventually_gone(int(leader.read_text()))


def eventually_gone(group: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_what_a_script_prints_without_end_neither_blocks_nor_fills_the_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    body = (
        "import os\ndef run(ctx):\n"
        "    for _ in range(200): os.write(1 + ctx.x % 2, b'y' * 100_000)\n    return 1"
    )
    assert values(INT_TO_INT, body, numbers(2)) == [1, 1]
    printed = capfd.readouterr().err
    assert 1_000_000 < printed.count("y") < 1_100_000
    assert "was dropped" in printed


def test_closed_standard_streams_do_not_end_a_call() -> None:
    body = "import os, sys\ndef run(ctx):\n    os.close(1) if ctx.x == 0 else None\n    return 1"
    assert values(INT_TO_INT, body, numbers(3)) == [1, 1, 1]


# --- network ---


@needs_network
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_no_socket_is_opened(family: str) -> None:
    assert refused(f"socket.socket(socket.{family})").startswith("PermissionError")


@needs_network
def test_no_socket_is_opened_by_a_child() -> None:
    program = "import socket; socket.socket()"
    arguments = f"[__import__('sys').executable, '-c', {program!r}]"
    found = evaluated(f"subprocess.run({arguments}, capture_output=True, text=True).stderr[-60:]")
    assert "PermissionError" in found


def test_a_pair_of_sockets_within_the_process_is_allowed() -> None:
    assert evaluated("[s.close() for s in socket.socketpair()]") == "[None, None]"


def test_a_socket_is_opened_where_the_network_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        expression = f"socket.create_connection(('127.0.0.1', {port})).close()"
        assert evaluated(expression, Isolation(network=True)) == "None"


# --- files ---


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder as the engine's, with a password in it."""
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "password").write_text("geheim")
    return folder


@needs_files
@pytest.mark.parametrize(
    "expression",
    [
        "open(FILE).read()",
        "os.listdir(FOLDER)",
        "os.open(FILE, os.O_RDONLY)",
        "open(os.symlink(FILE, 'link') or 'link').read()",
        "open('/proc/self/root' + FILE).read()",
        "open(FILE, 'w')",
        "os.rename(FILE, 'password')",
        "os.link(FILE, 'password')",
        "os.remove(FILE)",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "os.readlink(f'/proc/{os.getppid()}/fd/2')",
        "os.listdir(__import__('pwd').getpwuid(os.getuid()).pw_dir)",
        "open('/var/tmp/exallm_test', 'w')",
        "open('/tmp/exallm_test', 'w')",
    ],
)
def test_files_of_the_engine_and_of_its_user_are_refused(private: Path, expression: str) -> None:
    file = private / "password"
    text = expression.replace("FILE", repr(str(file))).replace("FOLDER", repr(str(private)))
    error = refused(text, Isolation(private=private))
    assert error.startswith(("PermissionError", "OSError: [Errno 18]")), error
    assert file.read_text() == "geheim"


@needs_files
def test_a_child_reads_them_no_more_than_the_script(private: Path) -> None:
    command = f"subprocess.run(['cat', {str(private / 'password')!r}], capture_output=True)"
    assert "geheim" not in evaluated(f"{command}.stdout", Isolation(private=private))
    assert "Permission denied" in evaluated(f"{command}.stderr", Isolation(private=private))


@needs_files
def test_they_are_refused_where_modules_lie_around_them(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (private.parent / "beside_module.py").write_text("X = 42\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(private.parent)])
    isolation = Isolation(private=private)
    assert evaluated("__import__('beside_module').X", isolation) == "42"
    assert refused(f"open({str(private / 'password')!r})", isolation).startswith("PermissionError")


@needs_files
@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE"])
def test_a_scripts_variables_run_nothing_before_the_walls_stand(
    private: Path, tmp_path: Path, variable: str
) -> None:
    early = tmp_path / "buckets" / "early"
    early.mkdir(parents=True)
    (early / "sitecustomize.py").write_text(
        f"try: FOUND = open({str(private / 'password')!r}).read()\n"
        "except PermissionError: FOUND = 'refused'\n"
    )
    environment = replace(
        ENVIRONMENT, isolation=Isolation(private=private), buckets_root=tmp_path / "buckets"
    )
    body = (
        f"%env {variable}={early};\nimport sys\n"
        "def run(ctx): return getattr(sys.modules.get('sitecustomize'), 'FOUND', 'not run')"
    )
    (found,) = values(TEXT_TO_TEXT, body, batch(["x"]), environment=environment)
    assert found in ("refused", "not run")
    if variable == "PYTHONPATH":
        assert found == "refused"


def test_no_variable_of_the_engine_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXALLM_TEST_SECRET", "geheim")
    home = os.environ.get("HOME", "/")
    assert "geheim" not in evaluated("dict(os.environ)")
    assert evaluated("os.environ['HOME'] == os.getcwd() == os.environ['TMPDIR']") == "True"
    assert evaluated("os.environ['HOME']") != repr(home)


def test_a_process_has_a_temporary_folder_of_its_own_that_goes_with_it() -> None:
    folder = evaluated("[open('x', 'w').write('kept'), tempfile.mkstemp()[0] > 0, os.getcwd()][2]")
    assert not Path(folder.strip("'")).exists()


@needs_files
def test_no_other_folder_can_be_written_to(tmp_path: Path) -> None:
    target = tmp_path / "x"
    expression = f"open({str(target)!r}, 'w').write('x')"
    assert refused(expression).startswith("PermissionError")
    assert evaluated(expression, Isolation(writable=(tmp_path,))) == "1"


# --- processes ---


@needs_network
@pytest.mark.parametrize("name", ["setsid()", "setpgid(0, 0)"])
def test_a_process_cannot_leave_its_group(name: str) -> None:
    assert refused(f"os.{name}").startswith("PermissionError")


@needs_signals
def test_a_process_signals_itself_and_its_children_only() -> None:
    assert refused("os.kill(os.getppid(), 0)").startswith("PermissionError")
    assert evaluated("os.kill(os.getpid(), 0)") == "None"
    child = "[p := subprocess.Popen(['sleep', '60']), p.kill(), p.wait()][2]"
    assert evaluated(child) == "-9"


def test_a_call_leaves_no_thread_and_no_descriptor() -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    before = held()
    with call(INT_TO_INT, "def run(ctx): return 1") as udf:
        udf.scalar_values(numbers(1))
        udf.close()
    assert held() == before


# --- in the engine ---


@needs_files
def test_a_udf_of_the_engine_reads_neither_its_password_nor_its_data(
    connection: Any, engine: EngineHome
) -> None:
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT READ_ (P VARCHAR(2000)) RETURNS VARCHAR(2000000) AS\n"
        "def run(ctx): return open(ctx.P, 'rb').read().decode('latin-1')\n"
    )
    for file in (engine.password_file, engine.database_file, engine.log_file):
        message = fails(connection, f"SELECT READ_('{file}')", "22002", "PermissionError")
        assert engine.password() not in message


@needs_network
def test_a_udf_of_the_engine_has_no_network(connection: Any) -> None:
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT CALL_ () RETURNS INT AS\n"
        "import urllib.request\n"
        "def run(ctx): return urllib.request.urlopen('http://127.0.0.1:1').status\n"
    )
    fails(connection, "SELECT CALL_()", "22002", "Operation not permitted")


def test_a_udf_learns_the_limit_that_holds_for_it(connection: Any) -> None:
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT LIMIT_ () RETURNS DECIMAL(18,0) AS\n"
        "def run(ctx): return exa.meta.memory_limit\n"
    )
    assert rows(connection, "SELECT LIMIT_()") == [(4 * 1024**3,)]
