"""One UDF process, seen from the engine."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm.local.udf import buckets
from exallm.local.udf.channel import Channel, ChannelClosed, FrameError
from exallm.local.udf.container import Container
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.isolation import start_command
from exallm.local.udf.script import UdfScript
from exallm.local.udf.worker_output import WorkerOutput
from exallm.local.udf.worker_watch import WATCH
from exallm_udfs.errors import ExallmError

# The engine's own environment may hold secrets: only these names are handed on.
_INHERITED = (
    "CUDA_VISIBLE_DEVICES", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS", "PATH", "SSL_CERT_FILE", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
# Without them some Pythons do not start.
_LIBRARY_PATHS = ("DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH")
_ERROR_CODES = ("22001", "22002", "22003", "42000")
_EXIT_WAIT_S = 2.0


class WorkerProcess:
    """A started process; :attr:`ready` once its script's module level has run.

    Only one thread at a time may use it, except for :meth:`kill`.
    """

    def __init__(
        self,
        script: UdfScript,
        arguments: Sequence[Column],
        outputs: Sequence[Column],
        environment: StatementEnvironment,
    ) -> None:
        self._script = script
        self._environment = environment
        self._kill_lock = threading.Lock()
        self._ended = False
        self._verdict: SqlError | None = None
        self.ready = False
        self.busy_since: float | None = None
        self.silent_s = 0.0
        self._folder = Path(tempfile.mkdtemp(prefix="exallm-udf-"))
        try:
            self._process, connection = _spawn(script, environment, self._folder)
        except BaseException:
            self._folder.rmdir()
            raise
        assert self._process.stdout is not None
        self._output = WorkerOutput(self._process.stdout)
        WATCH.add(self)
        connection.settimeout(environment.reply_timeout_s)
        self._channel = Channel(connection)
        try:
            self.send(_start_message(script, arguments, outputs, environment))
        except BaseException:
            self.close()
            raise
        self.busy_since = None

    def fileno(self) -> int:
        """The descriptor that is readable when the process has sent something."""
        return self._channel.fileno()

    @property
    def group(self) -> int:
        """The process group of the process and of all that it starts."""
        return self._process.pid

    def check_use(self, memory: int, tasks: int) -> None:
        """End the process if it has more bytes, or processes and threads, than it may."""
        if memory > self._environment.memory_limit:
            used = (
                f"use {memory / 2**20:.0f} MiB of memory, and"
                f" {self._environment.memory_limit / 2**20:.0f} MiB are allowed"
            )
            self._end_for("E-EXALLM-LOCAL-31", used, "load less at a time, or allow more")
        elif tasks > self._environment.isolation.task_limit:
            limit = self._environment.isolation.task_limit
            used = f"are {tasks} processes and threads, and {limit} are allowed"
            self._end_for("E-EXALLM-LOCAL-32", used, "start fewer of them")

    def send(self, message: dict[str, Any]) -> None:
        """Send a frame; ``SqlError`` 22002 if the process has died, R0001 if it reads nothing."""
        self.silent_s = 0.0
        self.busy_since = time.monotonic()
        try:
            self._channel.send(message)
        except ChannelClosed:
            raise self._farewell() from None
        except TimeoutError:
            raise self.silence() from None
        except FrameError as error:
            raise SqlError("0A000", f"a row is too large for a UDF process: {error}") from error

    def receive(self) -> dict[str, Any] | None:
        """Receive one frame.

        :returns: what it says, None if it was a question, answered here, or the news of readiness.
        :raises SqlError: the script's error; 22002 for a process that died or sent what is not
            allowed, R0001 for one that stopped in the middle of a frame.
        """
        try:
            message = self._channel.receive()
        except ChannelClosed:
            raise self._farewell() from None
        except TimeoutError:
            raise self.silence() from None
        except FrameError as error:
            raise self.refusal(error) from error
        self.silent_s = 0.0
        operation = message.get("op")
        if operation == "ready":
            self.ready = True
            self.busy_since = None
            return None
        if operation in ("script", "connection"):
            self._answer(message)
            return None
        if operation == "error":
            raise self._script_error(message)
        return message

    def await_frame(self, timeout_s: float) -> dict[str, Any] | None:
        """Receive the next frame that is no question, for a caller that has nothing else to do.

        :returns: the frame, None if there was none for ``timeout_s`` seconds.
        :raises SqlError: as :meth:`receive`.
        """
        deadline = time.monotonic() + timeout_s
        while self._has_news(deadline):
            message = self.receive()
            if message is not None:
                return message
        return None

    def silence(self) -> SqlError:
        """End the process for its silence; the error for the client."""
        self.kill()
        error = ExallmError(
            "E-EXALLM-LOCAL-25",
            f"a process of script {self._script.qualified_name} sent nothing for "
            f"{self._environment.reply_timeout_s:g} seconds",
            "make the script faster, or raise the engine's UDF timeout",
        )
        return SqlError("R0001", f"VM error: {error}")

    def refusal(self, problem: FrameError) -> SqlError:
        """End the process for what it sent; the error for the client."""
        self.kill()
        error = ExallmError(
            "E-EXALLM-LOCAL-26",
            f"a process of script {self._script.qualified_name} broke the protocol: {problem}",
            "see whether the script reaches for the runtime's own objects",
        )
        return SqlError("22002", f"VM error: {error}")

    def finish(self, timeout_s: float) -> None:
        """Let the script clean up for ``timeout_s`` seconds at most, then end the process.

        :raises SqlError: what the script's ``cleanup()`` raised.
        """
        deadline = time.monotonic() + timeout_s
        try:
            # A process that still starts may ask for scripts: it must get their answers first.
            if self._await_ready(timeout_s):
                self.send({"op": "close"})
                self.await_frame(max(deadline - time.monotonic(), 0))
        finally:
            self.close()

    def kill(self) -> None:
        """End the process and all that it started, at once; from any thread, as often as wanted."""
        with self._kill_lock:
            if not self._ended:
                self._ended = True
                # It leads its own group; what it started may have outlived it there.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def close(self) -> None:
        """End the process and give back what the engine holds of it."""
        self.kill()
        WATCH.remove(self)
        self._output.close()
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)  # a script may have made it unreadable

    def _end_for(self, code: str, used: str, remedy: str) -> None:
        name = self._script.qualified_name
        error = ExallmError(
            code, f"a process of script {name} and all that it started {used}", remedy
        )
        self._verdict = SqlError("22002", f"VM error: VM crashed: {error}")
        self.kill()

    def _await_ready(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self.ready and self._has_news(deadline):
            self.receive()
        return self.ready

    def _has_news(self, deadline: float) -> bool:
        """Wait until the process says something, or until this time."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(max(deadline - time.monotonic(), 0) * 1000))

    def _answer(self, question: dict[str, Any]) -> None:
        name, schema = question.get("name"), question.get("schema", "")
        if not isinstance(name, str) or not isinstance(schema, str):
            raise self.refusal(FrameError("a question without a name"))
        try:
            if question["op"] == "script":
                answer = {"body": self._environment.script_body(name, schema)}
            else:
                found = self._environment.connection(name)
                answer = {
                    "type": found.type,
                    "address": found.address,
                    "user": found.user,
                    "password": found.password,
                }
        except ExallmError as error:
            answer = {"code": error.code, "problem": error.problem, "remedy": error.remedy}
        busy_since = self.busy_since
        self.send(answer)
        self.busy_since = busy_since

    def _script_error(self, message: dict[str, Any]) -> SqlError:
        code, text = message.get("code"), message.get("text")
        if code not in _ERROR_CODES or not isinstance(text, str):
            return self.refusal(FrameError("an error without code and text"))
        return SqlError(str(code), text.encode("utf-8", "replace").decode())

    def _farewell(self) -> SqlError:
        # Its own end says more than ours would; a process that only left the channel gets ours.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_WAIT_S)
        self.kill()
        if self._verdict is not None:
            return self._verdict
        status = self._process.returncode
        how = f"exited with status {status}" if status >= 0 else f"died with {_signal(-status)}"
        error = ExallmError(
            "E-EXALLM-LOCAL-24",
            f"a process of script {self._script.qualified_name} {how}",
            "see the engine's log for what the script printed last",
        )
        return SqlError("22002", f"VM error: VM crashed: {error}")


def _spawn(
    script: UdfScript, environment: StatementEnvironment, folder: Path
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    try:
        container = environment.container(script.language)
    except ExallmError as refusal:
        raise SqlError("22002", f"VM error: {refusal}") from refusal
    # A container's Python sees what lies in the container, and nothing of its own machine's site.
    interpreter = [str(container.python), "-S"] if container else environment.interpreter
    ours, theirs = socket.socketpair()
    command = [*interpreter, "-P", "-u", "-m", "exallm.local.udf.worker"]
    try:
        process = subprocess.Popen(
            start_command(
                [*command, str(theirs.fileno())],
                _variables(script, environment, container, folder),
                environment.isolation,
                environment.buckets_root,
                folder,
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            pass_fds=(theirs.fileno(),),
            env={name: os.environ[name] for name in _LIBRARY_PATHS if name in os.environ},
            start_new_session=True,
        )
    except OSError as problem:
        ours.close()
        error = ExallmError(
            "E-EXALLM-LOCAL-27",
            f"{command[0]} cannot be started: {problem.strerror}",
            "set the engine's interpreter to a Python that has exallm's dependencies",
        )
        raise SqlError("22002", f"VM error: {error}") from problem
    finally:
        theirs.close()
    return process, ours


def _variables(
    script: UdfScript,
    environment: StatementEnvironment,
    container: Container | None,
    folder: Path,
) -> dict[str, str]:
    variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    variables["HOME"] = variables["TMPDIR"] = str(folder)
    variables.update(script.options.environment)
    # The process finds modules where the engine does, or in its container alone, after what the
    # script itself asks for.
    places = [container.packages] if container else [Path(entry) for entry in sys.path]
    paths = [str(place.absolute()) for place in places]
    if "PYTHONPATH" in variables:
        paths.insert(0, variables["PYTHONPATH"])
    variables["PYTHONPATH"] = os.pathsep.join(paths)
    variables["EXASOL_TELEMETRY_DISABLE"] = "1"
    variables[buckets.ROOT_VARIABLE] = str(environment.buckets_root.absolute())
    return variables


def _start_message(
    script: UdfScript,
    arguments: Sequence[Column],
    outputs: Sequence[Column],
    environment: StatementEnvironment,
) -> dict[str, Any]:
    return {
        "op": "start",
        "statement": script.source,
        "schema": script.schema,
        "arguments": [[column.name, column.type.sql()] for column in arguments],
        "outputs": [[column.name, column.type.sql()] for column in outputs],
        "environment": {
            "database_name": environment.database_name,
            "database_version": environment.database_version,
            "current_user": environment.current_user,
            "scope_user": environment.scope_user,
            "current_schema": environment.current_schema,
            "session_id": environment.session_id,
            "statement_id": environment.statement_id,
            "node_count": environment.node_count,
            "memory_limit": environment.memory_limit,
        },
    }


def _signal(number: int) -> str:
    return f"signal {number} ({signal.Signals(number).name})"
