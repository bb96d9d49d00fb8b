"""DuckDB functions that do what Exasol does and DuckDB does not.

Each takes whole columns as Arrow arrays. An error raised here reaches the client as it is.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType

from exallm.local.sql_error import SqlError


def text(values: pa.Array) -> pa.Array:
    """Any column as Exasol writes it in a VARCHAR: TRUE, 1.50, 0.5, 2024-01-31 12:00:00.000000."""
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "TRUE", "FALSE")
    if pa.types.is_floating(kind):
        return pa.array([_number(value) for value in values.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind):
        return pc.strftime(values, format="%Y-%m-%d %H:%M:%S")
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return values.cast(pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.string())
    raise SqlError("42000", f"a value of type {kind} has no text form")


def fit(values: pa.Array, sizes: pa.Array) -> pa.Array:
    """The column unchanged; :raises SqlError: 22001 where a text is longer than its size."""
    if pc.any(pc.greater(pc.utf8_length(values), sizes.cast(pa.int32()))).as_py():
        raise SqlError("22001", "data exception - string data, right truncation.")
    return values


def divisor(values: pa.Array) -> pa.Array:
    """The column as DOUBLE; :raises SqlError: 22012 where a value is zero."""
    numbers = values.cast(pa.float64())
    if pc.any(pc.equal(numbers, 0.0)).as_py():
        raise SqlError("22012", "data exception - division by zero.")
    return numbers


def register_helpers(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to DuckDB."""
    for name, function, result in (
        ("exallm_text", lambda *columns: text(*columns), "VARCHAR"),
        ("exallm_fit", lambda *columns: fit(*columns), "VARCHAR"),
        ("exallm_divisor", lambda *columns: divisor(*columns), "DOUBLE"),
    ):
        connection.create_function(
            name,
            function,
            None,
            result,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    written = repr(value)
    return written.removesuffix(".0")
