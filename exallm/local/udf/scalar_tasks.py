"""The rows of one batch for a SCALAR script, cut into pieces."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow

from exallm.local.udf.arrow_values import json_columns
from exallm.local.udf.channel import FrameError
from exallm.local.udf.worker_process import WorkerProcess

_LARGEST_PIECE = 1024
_PIECE_BYTES = 4_000_000
# Rows that take less are not worth a frame of their own.
_SHORTEST_PIECE_S = 0.002

ReadColumns = Callable[[Any, int], list[pyarrow.Array]]


@dataclass
class Piece:
    """Some rows of the batch.

    :param start: the first row's position in the batch.
    :param count: how many rows.
    :param sent_at: when it was sent, by the monotonic clock.
    """

    start: int
    count: int
    sent_at: float


@dataclass(frozen=True)
class ScalarResult:
    """What one frame brought for a piece.

    :param start: the piece's first row's position in the batch.
    :param origins: the positions in the batch of the rows that each emitted row came from, None
        for values, of which there is one a row.
    :param columns: the values, or the emitted rows' columns.
    """

    start: int
    origins: list[int] | None
    columns: list[pyarrow.Array]


class RowPace:
    """How long rows of one call take, shared by its batches."""

    def __init__(self) -> None:
        self.rows_per_s = 0.0


class ScalarTasks:
    """Pieces by guided self-scheduling: each takes a share of what is left.

    Slow rows spread over the processes, down to one a piece; fast rows travel in large pieces.

    :param prepared: the batch's columns, as ``prepare_columns`` makes them.
    :param rows: the rows of the batch, which a script without parameters has too.
    :param size: the batch's size in bytes.
    :param limit: the most processes.
    :param emits: whether the script is an EMITS script.
    :param read_columns: checks and converts a frame's columns, given the rows that they must have.
    """

    def __init__(
        self,
        prepared: list[pyarrow.Array],
        rows: int,
        size: int,
        limit: int,
        emits: bool,
        pace: RowPace,
        read_columns: ReadColumns,
    ) -> None:
        self._prepared = prepared
        self._rows = rows
        self._next = 0
        self._share = 2 * limit
        self._largest = max(1, min(_LARGEST_PIECE, _PIECE_BYTES * rows // max(size, 1)))
        self._emits = emits
        self._pace = pace
        self._read_columns = read_columns

    def waiting(self) -> bool:
        return self._next < self._rows

    def send_next(self, worker: WorkerProcess) -> Piece:
        left = self._rows - self._next
        wanted = max(left // self._share, int(self._pace.rows_per_s * _SHORTEST_PIECE_S), 1)
        piece = Piece(self._next, min(wanted, left, self._largest), time.monotonic())
        self._next += piece.count
        columns = json_columns(self._prepared, piece.start, piece.count)
        worker.send({"op": "rows", "rows": piece.count, "columns": columns})
        return piece

    def read(self, piece: Piece, message: dict[str, Any]) -> ScalarResult:
        operation = message.get("op")
        if operation == ("done" if self._emits else "values"):
            taken_s = max(time.monotonic() - piece.sent_at, 1e-6)
            self._pace.rows_per_s = piece.count / taken_s
        if operation == "values" and not self._emits:
            columns = self._read_columns(message.get("columns"), piece.count)
            return ScalarResult(piece.start, None, columns)
        if operation == "rows" and self._emits:
            origins = self._origins(piece, message.get("origins"))
            columns = self._read_columns(message.get("columns"), len(origins))
            return ScalarResult(piece.start, origins, columns)
        if operation == "done" and self._emits:
            return ScalarResult(piece.start, [], [])
        raise FrameError("an answer of another kind")

    @staticmethod
    def _origins(piece: Piece, origins: Any) -> list[int]:
        if not isinstance(origins, list) or not {type(origin) for origin in origins} <= {int}:
            raise FrameError("emitted rows without their origins")
        if origins and not 0 <= min(origins) <= max(origins) < piece.count:
            raise FrameError("an emitted row from outside its piece")
        return [piece.start + origin for origin in origins]
