"""Results as the protocol carries them: column by column, large ones in pieces."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exallm.local.engine.result import Result, ResultSet, RowCount, decimal_text
from exallm.local.exasol_type import FRACTION_LIMIT, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.timestamp_format import TimestampFormat
from exallm.local.wire import data_types

INLINE_ROWS = 1000
_PIECE_LIMIT = 64 * 1024 * 1024


class ResultSets:
    """The large results of one session, until the client closes them.

    :param timestamp_format: in which the session sends times, asked for at each answer.
    """

    def __init__(self, timestamp_format: Callable[[], TimestampFormat]) -> None:
        self._timestamp_format = timestamp_format
        self._handles = itertools.count(1)
        self._open: dict[int, ResultSet] = {}

    def describe(self, result: Result) -> dict[str, Any]:
        """A result for the client: whole where it is small, with a handle where it is large."""
        if isinstance(result, RowCount):
            return {"resultType": "rowCount", "rowCount": result.rows}
        rows = result.table.num_rows
        columns = [
            {"name": column.name, "dataType": data_types.described(column.type)}
            for column in result.columns
        ]
        described: dict[str, Any] = {
            "numColumns": len(columns),
            "numRows": rows,
            "numRowsInMessage": 0,
            "columns": columns,
        }
        if rows > INLINE_ROWS:
            handle = next(self._handles)
            self._open[handle] = result
            described["resultSetHandle"] = handle
        else:
            described["numRowsInMessage"] = rows
            if rows:
                described["data"] = self._data(result, result.table)
        return {"resultType": "resultSet", "resultSet": described}

    def fetch(self, handle: object, start: object, size: object) -> dict[str, Any]:
        """The rows from ``start``, about ``size`` bytes of them, at least one."""
        result = self._open.get(handle) if isinstance(handle, int) else None
        if result is None:
            raise SqlError("42000", f"result set {handle} is not open")
        if not isinstance(start, int) or not isinstance(size, int) or start < 0 or size < 1:
            raise SqlError("42000", "fetch takes a startPosition and numBytes")
        table = result.table
        row_bytes = max(1, table.nbytes // max(1, table.num_rows))
        piece = table.slice(start, max(1, min(size, _PIECE_LIMIT) // row_bytes))
        return {"numRows": piece.num_rows, "data": self._data(result, piece)}

    def close(self, handles: object) -> None:
        """Forget these results."""
        if not isinstance(handles, list) or not all(isinstance(h, int) for h in handles):
            raise SqlError("42000", "closeResultSet takes a list of handles")
        for handle in handles:
            self._open.pop(handle, None)

    def _data(self, result: ResultSet, table: pa.Table) -> list[list[Any]]:
        timestamp_format = self._timestamp_format()
        return [
            _values(column, described.type, timestamp_format)
            for column, described in zip(table.columns, result.columns, strict=True)
        ]


def _values(
    column: pa.ChunkedArray, type_: ExasolType, timestamp_format: TimestampFormat
) -> list[Any]:
    match type_.name:
        case "DECIMAL":
            whole = type_.scale == 0 and type_.precision <= 18
            return list((column.cast(pa.int64()) if whole else decimal_text(column)).to_pylist())
        case "DATE":
            return list(column.cast(pa.string()).to_pylist())
        case "TIMESTAMP" | "TIMESTAMP WITH LOCAL TIME ZONE":
            return _times(column, timestamp_format)
        case "DOUBLE":
            if pc.any(pc.invert(pc.is_finite(column))).as_py():
                raise SqlError("22003", "data exception - numeric value out of range.")
    return list(column.to_pylist())


def _times(column: pa.ChunkedArray, timestamp_format: TimestampFormat) -> list[Any]:
    """Times as texts; Arrow writes as many digits as the unit has."""
    exact = column.cast(pa.timestamp("us"))
    form = f"%Y-%m-%d{timestamp_format.separator}%H:%M:%S"
    texts = pc.strftime(exact, format=form)
    if timestamp_format.digits != FRACTION_LIMIT:
        seconds, fraction = len("YYYY-MM-DD HH:MM:SS"), timestamp_format.digits
        texts = pc.utf8_slice_codeunits(texts, 0, seconds + (fraction + 1 if fraction else 0))
        texts = pc.utf8_rpad(texts, seconds + (fraction + 1 if fraction else 0), "0")
    return list(texts.to_pylist())
