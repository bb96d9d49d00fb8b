"""The groups of a SET call, each a stream of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow

from exallm.local.exasol_type import Column
from exallm.local.udf.arrow_values import json_columns, prepare_columns
from exallm.local.udf.channel import FrameError
from exallm.local.udf.worker_process import WorkerProcess

_PIECE_ROWS = 8192
_PIECE_BYTES = 4_000_000

ReadColumns = Callable[[Any, int], list[pyarrow.Array]]


@dataclass(frozen=True)
class GroupResult:
    """What one frame brought for a group.

    :param index: the group's position among the groups.
    :param columns: its value or emitted rows, None if the frame only ends the group.
    """

    index: int
    columns: list[pyarrow.Array] | None


class GroupTasks:
    """One task a group that has a row; a group is forwarded batch by batch as it is read.

    :param groups: the groups; one is read to its end before the next is asked for.
    :param arguments: the input columns.
    :param emits: whether the script is an EMITS script.
    :param read_columns: checks and converts a frame's columns, given the rows that they must have.
    """

    def __init__(
        self,
        groups: Iterable[Iterable[pyarrow.RecordBatch]],
        arguments: Sequence[Column],
        emits: bool,
        read_columns: ReadColumns,
    ) -> None:
        self._groups = iter(groups)
        self._arguments = arguments
        self._emits = emits
        self._read_columns = read_columns
        self._first: pyarrow.RecordBatch | None = None
        self._others: Iterator[pyarrow.RecordBatch] = iter(())
        self._ended = False
        self.count = 0

    def waiting(self) -> bool:
        while self._first is None and not self._ended:
            group = next(self._groups, None)
            if group is None:
                self._ended = True
                return False
            self.count += 1
            self._others = (batch for batch in group if batch.num_rows)
            self._first = next(self._others, None)
        return self._first is not None

    def send_next(self, worker: WorkerProcess) -> int:
        index = self.count - 1
        batch, self._first = self._first, None
        while batch is not None:
            self._send_batch(worker, batch)
            batch = next(self._others, None)
        worker.send({"op": "group", "rows": 0, "columns": [], "last": True})
        return index

    def read(self, index: int, message: dict[str, Any]) -> GroupResult:
        operation = message.get("op")
        if operation == "values" and not self._emits:
            return GroupResult(index, self._read_columns(message.get("columns"), 1))
        if operation == "rows" and self._emits:
            origins = message.get("origins")
            if not isinstance(origins, list):
                raise FrameError("emitted rows without their origins")
            return GroupResult(index, self._read_columns(message.get("columns"), len(origins)))
        if operation == "done" and self._emits:
            return GroupResult(index, None)
        raise FrameError("an answer of another kind")

    def _send_batch(self, worker: WorkerProcess, batch: pyarrow.RecordBatch) -> None:
        prepared = prepare_columns(batch, self._arguments)
        rows_in_bytes = _PIECE_BYTES * batch.num_rows // max(batch.nbytes, 1)
        step = max(1, min(_PIECE_ROWS, rows_in_bytes))
        for start in range(0, batch.num_rows, step):
            count = min(step, batch.num_rows - start)
            columns = json_columns(prepared, start, count)
            worker.send({"op": "group", "rows": count, "columns": columns, "last": False})
