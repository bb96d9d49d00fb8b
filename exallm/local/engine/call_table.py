"""The script calls that are running, by the numbers under which DuckDB hands them rows.

DuckDB knows two functions for each type of result. Their first argument is the number of a call;
the session that registered it runs the rows through the script's worker processes. The second one
of each pair, with STABLE in its name, is for where DuckDB takes no function that may give another
value each time: the keys of windows.
"""

from __future__ import annotations

import itertools
import threading
from typing import Protocol

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from exallm.local.sql_error import SqlError

_RESULTS = ("VARCHAR", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP")


class ValueCall(Protocol):
    """A running call that returns a value for each row or group."""

    def values(self, columns: list[pa.Array], rows: int) -> pa.Array:
        """The results for a batch of so many rows; a call without arguments has no columns."""


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece: DuckDB hands over chunks of constant columns."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


class CallTable:
    """Numbers and calls; safe to use from all sessions and from DuckDB's threads."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._calls: dict[int, ValueCall] = {}
        self._lock = threading.Lock()

    def add(self, call: ValueCall) -> int:
        """Keep a call; its number."""
        with self._lock:
            number = next(self._numbers)
            self._calls[number] = call
        return number

    def remove(self, number: int) -> None:
        """Forget a call whose statement has ended."""
        with self._lock:
            del self._calls[number]

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the functions known to DuckDB."""
        for result, is_stable in itertools.product(_RESULTS, (False, True)):
            connection.create_function(
                f"exallm_udf_{'stable_' if is_stable else ''}{result.lower()}",
                self._function,
                None,
                result,
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
                side_effects=not is_stable,
            )

    def _function(self, *columns: pa.ChunkedArray) -> pa.Array:
        numbers, *arguments = (whole(column) for column in columns)
        with self._lock:
            call = self._calls.get(numbers[0].as_py())
        if call is None:
            raise SqlError("42000", "a script was called after its statement had ended")
        return call.values(arguments, len(numbers))
