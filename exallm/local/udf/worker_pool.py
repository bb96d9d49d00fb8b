"""The UDF processes of one call: started when they are needed, lent to one thread at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from exallm.local.sql_error import SqlError
from exallm.local.udf.worker_process import WorkerProcess

# A process that is busy for so long is worth a second one, if pieces wait.
GROW_AFTER_S = 0.02
_CLOSE_TIMEOUT_S = 2.0
_LOOK_AGAIN_S = 0.005


class WorkerPool:
    """Processes of one script.

    :param start: starts a process; it may not be ready yet when this returns.
    :param limit: the most processes at a time.
    """

    def __init__(self, start: Callable[[], WorkerProcess], limit: int) -> None:
        self._start = start
        self._limit = limit
        self._changed = threading.Condition()
        self._idle: list[WorkerProcess] = []
        self._lent: set[WorkerProcess] = set()
        self._starting = 0
        self._end: SqlError | None = None

    @property
    def limit(self) -> int:
        """The most processes at a time."""
        return self._limit

    def acquire(self, wait: bool) -> WorkerProcess | None:
        """Borrow a process: an idle one, or a new one where there is none or all are long busy.

        :param wait: wait for one; otherwise None if there is none to have now.
        :raises SqlError: if the pool is aborted or closed, or no process can be started.
        """
        with self._changed:
            while True:
                self.check()
                if self._idle:
                    worker = self._idle.pop()
                    self._lent.add(worker)
                    return worker
                if self._may_grow():
                    self._starting += 1
                    break
                if not wait:
                    return None
                self._changed.wait(_LOOK_AGAIN_S)
        return self._started()

    def release(self, worker: WorkerProcess) -> None:
        """Give back a process that has answered all it was asked."""
        worker.busy_since = None
        with self._changed:
            self._lent.discard(worker)
            if self._end is None:
                self._idle.append(worker)
                self._changed.notify()
                return
        worker.close()

    def discard(self, worker: WorkerProcess) -> None:
        """Give back a process that is dead, or busy with what nobody waits for: it is ended."""
        worker.close()
        with self._changed:
            self._lent.discard(worker)
            self._changed.notify()

    def check(self) -> None:
        """Raise the error of the pool's end, if it has ended."""
        if self._end is not None:
            raise SqlError(self._end.code, self._end.text)

    def close(self) -> None:
        """Let idle processes clean up, then end all of them; nothing the second time.

        :raises SqlError: what a script's ``cleanup()`` raised, once every process has ended.
        """
        errors: list[SqlError] = []
        for worker in self._ended(SqlError("R0003", "Query terminated because it was closed.")):
            try:
                worker.finish(_CLOSE_TIMEOUT_S)
            except SqlError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def abort(self, reason: str) -> None:
        """End all processes at once; who waits for one gets ``SqlError`` R0003."""
        for worker in self._ended(SqlError("R0003", f"Query terminated because of {reason}.")):
            worker.close()

    def _ended(self, end: SqlError) -> list[WorkerProcess]:
        with self._changed:
            if self._end is None:
                self._end = end
            idle, self._idle = self._idle, []
            lent = list(self._lent)
            self._changed.notify_all()
        for worker in lent:
            worker.kill()
        return idle

    def _may_grow(self) -> bool:
        count = len(self._lent) + self._starting
        if count == 0:
            return True
        now = time.monotonic()
        return count < self._limit and any(
            worker.busy_since is not None and now - worker.busy_since > GROW_AFTER_S
            for worker in self._lent
        )

    def _started(self) -> WorkerProcess:
        worker: WorkerProcess | None = None
        try:
            worker = self._start()
        finally:
            with self._changed:
                self._starting -= 1
                if worker is not None:
                    self._lent.add(worker)
                ended = self._end is not None
                self._changed.notify()
        if ended:
            self.discard(worker)
            self.check()
        return worker
