"""Starting and stopping the embedded engine as a process of its own."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from exallm.local.engine_home import EngineHome, RunningEngine
from exallm_udfs.errors import ExallmError

DEFAULT_PORT = 8563
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 15.0


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is started.

    :param port: of the SQL protocol; 0 for any that is free.
    :param workers: the most UDF processes that one call may have.
    :param reply_timeout_s: seconds after which a silent UDF process is ended with its statement.
    :param udf_memory: bytes that a UDF process and those it starts may have in all.
    :param udf_network: whether UDFs may open sockets.
    """

    port: int = DEFAULT_PORT
    workers: int = os.cpu_count() or 1
    reply_timeout_s: float = 600.0
    udf_memory: int = 4 * 1024**3
    udf_network: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port is outside 0 to 65535")
        if self.workers < 1 or self.reply_timeout_s <= 0 or self.udf_memory < 1:
            raise ValueError("workers, reply_timeout_s and udf_memory must be positive")


def start(home: EngineHome, settings: EngineSettings) -> RunningEngine:
    """Start the engine, or find it running.

    :raises ExallmError: E-EXALLM-LOCAL-1 to 4, with what kept it from starting.
    """
    running = home.running()
    if running is not None:
        return running
    home.create()
    command = [
        *(sys.executable, "-P", "-m", "exallm.local.daemon", str(home.folder)),
        json.dumps(asdict(settings)),
    ]
    with home.log_file.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "EXASOL_TELEMETRY_DISABLE": "1"},
        )
    try:
        line = _first_line(process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    running = home.running() if line == "ready" else None
    if running is None:
        process.kill()
        process.wait()
        raise _start_error(line, home)
    return running


def stop(home: EngineHome) -> bool:
    """Stop the engine; whether there was one."""
    running = home.running()
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_LIMIT_S
    while home.running() is not None or not _is_free(home):
        if time.monotonic() > deadline:
            os.kill(running.pid, signal.SIGKILL)
            deadline += _STOP_LIMIT_S
        time.sleep(0.05)
    return True


def require_running(home: EngineHome) -> RunningEngine:
    """The running engine; :raises ExallmError: E-EXALLM-LOCAL-6 where there is none."""
    running = home.running()
    if running is None:
        raise ExallmError(
            "E-EXALLM-LOCAL-6", "no embedded engine is running", "start it with exallm local start"
        )
    return running


def _is_free(home: EngineHome) -> bool:
    descriptor = home.lock()
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """What the engine says first; '' where it ends or the time runs out without a word."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(_START_LIMIT_S):
            return ""
    with process.stdout as output:
        return output.readline().decode().strip()


def _start_error(line: str, home: EngineHome) -> Exception:
    if line.startswith("E-EXALLM-"):
        code, rest = line.split(": ", 1)
        problem, remedy = rest.rsplit("; ", 1)
        return ExallmError(code, problem, remedy)
    return ExallmError(
        "E-EXALLM-LOCAL-4", "the embedded engine did not start", f"read {home.log_file}"
    )
