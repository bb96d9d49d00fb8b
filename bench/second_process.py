"""Memory that a second UDF process on the same model adds, over the first's.

Counted is the proportional set size (Pss) of the engine's UDF processes, in which memory that
processes share counts once; the highest sum while a statement runs.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

from bench.error import BenchError
from bench.questions import five_a_passage
from bench.result import Result
from bench.workbench import Workbench

_PROC = Path("/proc")
_INTERVAL_S = 0.1
_WORKER = b"exallm.local.udf.worker"


class PeakMemory:
    """Watches the UDF processes below an engine's process; ``sizes`` are their Pss at its peak."""

    def __init__(self, engine: int) -> None:
        self._engine = engine
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.sizes: list[int] = []

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL_S):
            sizes = [pss_bytes(pid) for pid in worker_processes(self._engine)]
            self.sizes = max(self.sizes, sizes, key=sum)

    @property
    def bytes(self) -> int:
        return sum(self.sizes)

    @property
    def loaded(self) -> int:
        """Processes with a model, which outweighs all else; the engine may have a spare one."""
        return sum(size > max(self.sizes) / 2 for size in self.sizes)


def worker_processes(engine: int) -> list[int]:
    """The UDF processes that are children of an engine's process, at any depth."""
    parents: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            stat = _read(folder / "stat")
            if stat:
                parents[int(folder.name)] = int(stat.rpartition(b")")[2].split()[1])
    below = {engine}
    while True:
        more = {child for child, parent in parents.items() if parent in below} | below
        if more == below:
            break
        below = more
    return [pid for pid in below if _WORKER in _read(_PROC / str(pid) / "cmdline").split(b"\0")]


def pss_bytes(pid: int) -> int:
    """A process's proportional set size; 0 for one that has ended."""
    found = re.search(rb"^Pss:\s+(\d+) kB", _read(_PROC / str(pid) / "smaps_rollup"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def measure(bench: Workbench) -> list[Result]:
    """What the second process adds, as a share of what the first takes."""
    key = "second_process_memory"
    if not (_PROC / "self" / "smaps_rollup").exists():
        return [Result(key, None, "this system does not tell the memory that processes share")]
    bench.say("memory of a second process")
    bench.database.load(five_a_passage(bench.questions, bench.settings.passages))
    peaks = []
    for processes in (1, 2):
        with PeakMemory(bench.database.pid) as peak:
            bench.database.answer_batch(processes, bench.process_options)
        if peak.loaded != processes:
            raise BenchError(f"{peak.loaded} UDF processes answered instead of {processes}")
        peaks.append(peak.bytes)
    one, two = peaks
    return [
        Result(
            key,
            (two - one) / one,
            f"one process {one / 1e6:.0f} MB, two {two / 1e6:.0f} MB, highest Pss",
        )
    ]


def _read(file: Path) -> bytes:
    """A file of a process; empty where the process has ended meanwhile."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
