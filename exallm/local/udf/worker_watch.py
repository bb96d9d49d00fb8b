"""Holds UDF processes to their memory and to a number of tasks, by looking at them now and then.

A limit on address space would hit the libraries that map much more than they use, and one on
processes does not hold root, so the engine measures what each process group really has: memory
that nobody else has given it (anonymous and shared), processes and threads. Linux only: without
``/proc`` nothing is watched.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_PROC = Path("/proc")
_LOOK_S = 0.2
_OWN_MEMORY = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.M)
# Positions in /proc/<pid>/stat after the name, which may hold anything.
_GROUP, _THREADS = 2, 17


class Watched(Protocol):
    """The leader of a process group."""

    @property
    def group(self) -> int:
        """Its process group."""

    def check_use(self, memory: int, tasks: int) -> None:
        """Take the bytes and the processes and threads of the group, and end it if need be."""


@dataclass
class _Use:
    memory: int = 0
    tasks: int = 0


class WorkerWatch:
    """A thread that looks at process groups while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def add(self, watched: Watched) -> None:
        """Watch a group until :meth:`remove`."""
        if not _PROC.is_dir():
            return
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._look, args=(self._stopping,), daemon=True, name="worker watch"
                )
                self._thread.start()

    def remove(self, watched: Watched) -> None:
        """Watch a group no more; not to be called by the group itself from ``check_use``."""
        with self._lock:
            self._watched.discard(watched)
            if self._watched or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._stopping.set()
        thread.join()

    def _look(self, stopping: threading.Event) -> None:
        while not stopping.wait(_LOOK_S):
            with self._lock:
                watched = list(self._watched)
            used = _use_of({each.group for each in watched})
            for each in watched:
                use = used[each.group]
                each.check_use(use.memory, use.tasks)


WATCH = WorkerWatch()


def _use_of(groups: Iterable[int]) -> dict[int, _Use]:
    found = {group: _Use() for group in groups}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            facts = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            use = found.get(int(facts[_GROUP]))
            if use is None:
                continue
            use.tasks += int(facts[_THREADS])
            status = (entry / "status").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        use.memory += 1024 * sum(map(int, _OWN_MEMORY.findall(status)))
    return found
