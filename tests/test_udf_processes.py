"""The processes of UDF calls: how work spreads, and how they fail and end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from exallm.local.sql_error import SqlError
from exallm.local.udf.isolation import Isolation
from tests.udf_calls import (
    ECHO,
    ENVIRONMENT,
    INT_TO_INT,
    TEXT_TO_TEXT,
    batch,
    call,
    failure,
    numbers,
    values,
)

PID = "import os, time\ndef run(ctx):\n    {}\n    return os.getpid()"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- spread ---


def spread(limit: int, line: str, options: str = "") -> set[int]:
    environment = replace(ENVIRONMENT, worker_limit=limit)
    body = options + PID.format(line)
    return {int(pid) for pid in values(INT_TO_INT, body, numbers(40), environment=environment)}


def test_slow_rows_spread_over_processes() -> None:
    pids = spread(2, "time.sleep(0.1)")
    assert len(pids) == 2 and os.getpid() not in pids


def test_fast_rows_stay_in_one_process() -> None:
    assert len(spread(2, "pass")) == 1


def test_a_process_that_is_not_needed_any_more_starts_in_peace() -> None:
    """It asks for a script while it starts, when the first one has done all rows already."""
    environment = replace(ENVIRONMENT, worker_limit=2, scripts={"S.NUMBERS": "SEVEN = 7\n"})
    body = (
        "import time\ntime.sleep(0.3)\nseven = exa.import_script('S.NUMBERS').SEVEN\n"
        "def run(ctx):\n    time.sleep(0.02)\n    return seven"
    )
    with call(INT_TO_INT, body, environment) as udf:
        assert udf.scalar_values(numbers(8)).to_pylist() == [7] * 8
        udf.close()


def test_limits_are_kept() -> None:
    assert len(spread(1, "time.sleep(0.01)")) == 1
    assert len(spread(3, "time.sleep(0.01)", "%perNodeAndCallInstanceLimit 1;\n")) == 1


def test_slow_groups_spread_over_processes() -> None:
    body = PID.format("time.sleep(0.5)")
    environment = replace(ENVIRONMENT, worker_limit=2)
    with call("SET SCRIPT f(x INT) RETURNS INT", body, environment) as udf:
        pids = udf.group_values([numbers(1)] * 6).to_pylist()
    assert len(set(pids)) == 2


def test_threads_share_the_processes() -> None:
    environment = replace(ENVIRONMENT, worker_limit=2)
    body = "import time\ndef run(ctx):\n    time.sleep(0.001)\n    return ctx.x"
    with call(INT_TO_INT, body, environment) as udf, ThreadPoolExecutor(4) as threads:
        batches = [batch(list(range(start, start + 50))) for start in range(0, 400, 50)]
        found = [part.to_pylist() for part in threads.map(udf.scalar_values, batches)]
    assert found == [part[0].to_pylist() for part in batches]


def test_fast_rows_are_cheap() -> None:
    started = time.perf_counter()
    with call(TEXT_TO_TEXT, ECHO) as udf:
        for start in range(0, 20_000, 2_000):
            udf.scalar_values(batch([f"text {number}" for number in range(start, start + 2_000)]))
    assert time.perf_counter() - started < 3


# --- errors and ends ---


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + 5
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_closing_the_iterator_ends_busy_processes() -> None:
    body = "import os\ndef run(ctx):\n    while True: ctx.emit(os.getpid(), 'x' * 2_000_000)"
    with call("SET SCRIPT f(x INT) EMITS (p INT, t VARCHAR(2000000))", body) as udf:
        rows = udf.group_rows([[numbers(1)]])
        pid = int(next(rows)["P"][0].as_py())
        assert is_alive(pid)
        rows.close()
        assert not is_alive(pid)


def test_an_exception_ends_the_call() -> None:
    body = "def run(ctx):\n    if ctx.x == 3:\n        raise KeyError('three')\n    return 1"
    error = failure(INT_TO_INT, body, numbers(10))
    assert error.code == "22002"
    assert error.text.endswith("Exception during run \nF:3 run\nKeyError: 'three'")


def test_an_exception_while_loading_ends_the_call() -> None:
    assert "ModuleNotFoundError" in failure(INT_TO_INT, "import no_such_module", numbers(1)).text


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("os.kill(os.getpid(), 9)", "died with signal 9 (SIGKILL)"),
        ("import ctypes; ctypes.string_at(0)", "died with signal 11 (SIGSEGV)"),
        ("os._exit(3)", "exited with status 3"),
    ],
)
def test_a_crash_is_told(line: str, how: str) -> None:
    body = f"import os\ndef run(ctx):\n    if ctx.x == 5: {line}\n    return 1"
    error = failure(INT_TO_INT, body, numbers(10))
    assert error.code == "22002"
    assert f"E-EXALLM-LOCAL-24: a process of script S.F {how}" in error.text


def test_a_crash_while_loading_is_told() -> None:
    error = failure(INT_TO_INT, "import os\nos._exit(0)", numbers(10))
    assert "exited with status 0" in error.text


def test_silence_is_ended() -> None:
    environment = replace(ENVIRONMENT, reply_timeout_s=0.4)
    started = time.monotonic()
    body = "import time\ndef run(ctx): time.sleep(60)"
    error = failure(INT_TO_INT, body, numbers(1), environment=environment)
    assert error.code == "R0001" and "E-EXALLM-LOCAL-25: a process of script S.F" in error.text
    assert time.monotonic() - started < 5


def test_a_missing_interpreter_is_told() -> None:
    environment = replace(ENVIRONMENT, interpreter=("/no/such/python",))
    error = failure(INT_TO_INT, ECHO, numbers(1), environment=environment)
    assert "E-EXALLM-LOCAL-27: /no/such/python cannot be started" in error.text


def test_abort_from_another_thread(tmp_path: Path) -> None:
    started = tmp_path / "started"
    body = (
        f"import time\ndef run(ctx):\n    open({str(started)!r}, 'w').close()\n    time.sleep(60)"
    )
    environment = replace(ENVIRONMENT, isolation=Isolation(writable=(tmp_path,)))
    with call(INT_TO_INT, body, environment) as udf, ThreadPoolExecutor(1) as threads:
        pending = threads.submit(udf.scalar_values, numbers(5))
        assert eventually(started.exists)
        udf.abort("a test")
        with pytest.raises(SqlError) as caught:
            pending.result(timeout=5)
        assert (caught.value.code, caught.value.text) == (
            "R0003",
            "Query terminated because of a test.",
        )
        with pytest.raises(SqlError, match="R0003"):
            udf.scalar_values(numbers(1))


READS_PROC = pytest.mark.skipif(sys.platform != "linux", reason="tells zombies apart by /proc")


@READS_PROC
def test_what_a_script_starts_ends_with_it() -> None:
    body = """
import subprocess
CHILD = subprocess.Popen(["sleep", "60"])
def run(ctx):
    return CHILD.pid
"""
    with call(INT_TO_INT, body) as udf:
        (pid,) = udf.scalar_values(numbers(1)).to_pylist()
        udf.close()
    assert eventually(lambda: not is_running(int(pid)))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@READS_PROC
def test_a_process_ends_with_the_engine(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = f"""
import os, pathlib, pyarrow
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.isolation import Isolation
from exallm.local.udf.invocation import Invocation
from exallm.local.udf.script import parse_udf_script
script = parse_udf_script('''CREATE P SCALAR SCRIPT f(x INT) RETURNS INT AS
import os, time
def run(ctx):
    with open({str(pid_file)!r} + ".new", "w") as file: file.write(str(os.getpid()))
    os.rename({str(pid_file)!r} + ".new", {str(pid_file)!r})
    time.sleep(60)
''', "S")
isolation = Isolation(writable=(pathlib.Path({str(tmp_path)!r}),))
udf = Invocation(script, script.inputs, None, StatementEnvironment(isolation=isolation))
udf.scalar_values(pyarrow.RecordBatch.from_arrays([pyarrow.array([1])], ["x"]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    engine = subprocess.Popen([sys.executable, "-c", program], env=environment)
    assert eventually(pid_file.exists)
    pid = int(pid_file.read_text())
    assert is_running(pid)
    engine.kill()
    engine.wait()
    assert eventually(lambda: not is_running(pid))


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_source_that_fails_ends_the_call() -> None:
    before = open_descriptors()

    def groups() -> Iterator[list[pyarrow.RecordBatch]]:
        yield [numbers(1)]
        raise LookupError("the query failed")

    body = "import os\ndef run(ctx): ctx.emit(os.getpid())"
    head = "SET SCRIPT f(x INT) EMITS (p INT)"
    with call(head, body) as udf, pytest.raises(LookupError, match="the query failed"):
        list(udf.group_rows(groups()))
    assert open_descriptors() == before


def test_close_runs_cleanup_and_leaves_nothing(tmp_path: Path) -> None:
    before = open_descriptors(), threading.active_count()
    mark = tmp_path / "cleaned"
    body = f"import os\ndef run(ctx): return os.getpid()\ndef cleanup(): open({str(mark)!r}, 'w')"
    environment = replace(ENVIRONMENT, isolation=Isolation(writable=(tmp_path,)))
    with call(INT_TO_INT, body, environment) as udf:
        (pid,) = udf.scalar_values(numbers(1)).to_pylist()
        udf.close()
        assert mark.exists() and not is_alive(int(pid))
        udf.close()
    assert (open_descriptors(), threading.active_count()) == before


def test_a_failing_cleanup_is_told_after_the_end() -> None:
    body = "import os\ndef run(ctx): return os.getpid()\ndef cleanup(): 1 / 0"
    with call(INT_TO_INT, body) as udf:
        (pid,) = udf.scalar_values(numbers(1)).to_pylist()
        with pytest.raises(SqlError, match="ZeroDivisionError"):
            udf.close()
        assert not is_alive(int(pid))


HOSTILE = """
import gc, json, socket, struct
CHANNEL = next(o for o in gc.get_objects() if type(o) is socket.socket)
def run(ctx):
    payload = PAYLOAD
    CHANNEL.sendall(struct.pack(">I", SIZE or len(payload)) + payload)
    return 1
"""


@pytest.mark.parametrize(
    ("payload", "size", "problem"),
    [
        (b"not json", 0, "not valid JSON"),
        (b"[" * 100_000, 0, "not valid JSON"),
        (b"[]", 0, "not a JSON object"),
        (b"", 2**32 - 1, "above the limit"),
        (b"{}", 0, "an answer of another kind"),
        (b'{"op":"values"}', 0, "a wrong number of columns"),
        (b'{"op":"values","columns":[[]]}', 0, "a wrong number of values"),
        (b'{"op":"values","columns":[["a"]]}', 0, "is no DECIMAL"),
        (b'{"op":"values","columns":[[true]]}', 0, "is no DECIMAL"),
        (b'{"op":"values","columns":[[1000]]}', 0, "does not fit DECIMAL(3,0)"),
        (b'{"op":"rows","columns":[[1]],"origins":[7]}', 0, "an answer of another kind"),
        (b'{"op":"error","code":"00000","text":""}', 0, "an error without code and text"),
        (b'{"op":"connection"}', 0, "a question without a name"),
    ],
)
def test_a_hostile_process_is_ended(payload: bytes, size: int, problem: str) -> None:
    body = HOSTILE.replace("PAYLOAD", repr(payload)).replace("SIZE", str(size))
    error = failure("SCALAR SCRIPT f(x INT) RETURNS DECIMAL(3,0)", body, numbers(1))
    assert error.code == "22002"
    assert "E-EXALLM-LOCAL-26: a process of script S.F broke the protocol" in error.text
    assert problem in error.text


def test_a_hostile_text_is_refused() -> None:
    payload = b'{"op":"values","columns":[["\\ud800"]]}'
    body = HOSTILE.replace("PAYLOAD", repr(payload)).replace("SIZE", "0")
    assert "does not fit VARCHAR" in failure(TEXT_TO_TEXT, body, batch(["x"])).text


def test_a_hostile_origin_is_refused() -> None:
    payload = b'{"op":"rows","columns":[[1]],"origins":[1]}'
    body = HOSTILE.replace("PAYLOAD", repr(payload)).replace("SIZE", "0")
    head = "SCALAR SCRIPT f(x INT) EMITS (y INT)"
    with call(head, body) as udf, pytest.raises(SqlError, match="from outside its piece"):
        udf.scalar_rows(numbers(1))
