"""A program of ``bench.programs`` as a process that answers requests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.error import BenchError
from bench.project import PROJECT

_END_LIMIT_S = 30


class Program:
    """One process; what it prints beside its replies goes to a log.

    :param python: the interpreter of its environment.
    :param name: of its module in ``bench.programs``.
    :param arguments: of its command line.
    :param logs: folder of the logs.
    """

    def __init__(
        self, python: Path, name: str, arguments: Sequence[str | Path], logs: Path
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._name = name
        self._log = logs / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-m", f"bench.programs.{name}", *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=PROJECT,
                text=True,
                env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"},
            )

    def send(self, request: Mapping[str, Any]) -> None:
        """Hand over a request without waiting for its reply."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def receive(self) -> dict[str, Any]:
        """The reply to the oldest request that has none yet.

        :raises BenchError: where the program ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        reply: dict[str, Any] = json.loads(line)
        return reply

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a request."""
        self.send(request)
        return self.receive()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # what it did not read before it ended is lost anyway
            self._process.stdin.close()
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ended(self) -> BenchError:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "without a word"
        return BenchError(f"the program {self._name} ended: {reason}; read {self._log}")
