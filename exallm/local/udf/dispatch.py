"""Work spread over the processes of a pool by one thread, which hands back their frames."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from typing import Any, Protocol

from exallm.local.sql_error import SqlError
from exallm.local.udf.channel import FrameError
from exallm.local.udf.worker_pool import GROW_AFTER_S, WorkerPool
from exallm.local.udf.worker_process import WorkerProcess

_FINAL = ("values", "done")


class Tasks(Protocol):
    """What is to be done, cut when a process is free."""

    def waiting(self) -> bool:
        """Whether there is another piece."""

    def send_next(self, worker: WorkerProcess) -> Any:
        """Send the next piece to a process and return what identifies it."""

    def read(self, piece: Any, message: dict[str, Any]) -> Any:
        """Check a frame that came for a piece, and make a result of it.

        :raises FrameError: if the frame is not what was asked for.
        """


class Dispatch:
    """One run of some tasks; the processes go back to the pool at its end.

    :param reply_timeout_s: seconds after which a busy process that sends nothing is ended.
    """

    def __init__(self, pool: WorkerPool, tasks: Tasks, reply_timeout_s: float) -> None:
        self._pool = pool
        self._tasks = tasks
        self._reply_timeout_s = reply_timeout_s
        self._held: dict[WorkerProcess, Any] = {}
        self._starting: set[WorkerProcess] = set()

    def results(self) -> Iterator[Any]:
        """Do the tasks; what they make of each frame, as the frames come, in no set order.

        :raises SqlError: the first error of a process; then, and if the iterator is closed early,
            all that are busy with these tasks are ended.
        """
        try:
            while self._tasks.waiting() or self._held:
                self._hand_out()
                for worker in self._readable():
                    message = worker.receive()
                    if message is not None:
                        yield self._result(worker, message)
                    elif worker in self._starting and worker.ready:
                        self._starting.discard(worker)
                        self._hand_on(worker)
            while self._starting:
                self._pool.release(self._starting.pop())
        except SqlError:
            self._pool.check()  # the processes of an aborted call die of the abort
            raise
        finally:
            for worker in (*self._held, *self._starting):
                self._pool.discard(worker)

    def _hand_out(self) -> None:
        while self._tasks.waiting() and not self._starting:
            worker = self._pool.acquire(wait=not self._held)
            if worker is None:
                return
            if worker.ready:
                self._hand_on(worker)
            else:
                self._starting.add(worker)

    def _hand_on(self, worker: WorkerProcess) -> None:
        # It is held before the tasks are asked: asking may fail, and it must not be lost then.
        self._held[worker] = None
        if self._tasks.waiting():
            self._held[worker] = self._tasks.send_next(worker)
        else:
            del self._held[worker]
            self._pool.release(worker)

    def _readable(self) -> list[WorkerProcess]:
        workers = {worker.fileno(): worker for worker in (*self._held, *self._starting)}
        poll = select.poll()
        for descriptor in workers:
            poll.register(descriptor, select.POLLIN)
        grows = self._tasks.waiting() and not self._starting and len(workers) < self._pool.limit
        silent_s = max((worker.silent_s for worker in workers.values()), default=0.0)
        wait_s = GROW_AFTER_S / 4 if grows else max(self._reply_timeout_s - silent_s, 0.001)
        started = time.monotonic()
        ready = [workers[descriptor] for descriptor, _ in poll.poll(wait_s * 1000)]
        waited_s = time.monotonic() - started
        for worker in workers.values():
            if worker not in ready:
                worker.silent_s += waited_s
                if worker.silent_s >= self._reply_timeout_s:
                    raise worker.silence()
        return ready

    def _result(self, worker: WorkerProcess, message: dict[str, Any]) -> Any:
        try:
            if worker not in self._held:
                raise FrameError("a frame that nobody asked for")
            result = self._tasks.read(self._held[worker], message)
        except FrameError as problem:
            raise worker.refusal(problem) from problem
        if message["op"] in _FINAL:
            self._hand_on(worker)
        return result
