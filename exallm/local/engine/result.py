"""What a statement gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from exallm.local.exasol_type import DECIMAL_LIMIT, VARCHAR_LIMIT, Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.arrow_values import arrow_type

_INTEGERS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 18, "HUGEINT": 36}
_PLAIN_SCALE = 6  # up to here Arrow writes decimals without an exponent
_NAMES = {'"NULL"': "BOOLEAN"}
_INTEGER_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}


@dataclass(frozen=True)
class RowCount:
    """The number of rows that a statement has changed."""

    rows: int


@dataclass(frozen=True)
class ResultSet:
    """The rows that a statement returns.

    :param columns: a column for each of the table's.
    :param table: the rows.
    """

    columns: tuple[Column, ...]
    table: pa.Table


Result = RowCount | ResultSet


def result_set(table: pa.Table, declared: Sequence[Column]) -> ResultSet:
    """The result for what DuckDB returned, as the columns that the statement gives.

    :raises SqlError: 22001 for a text that is longer than a VARCHAR can be.
    """
    columns = tuple(
        Column(column.name, _agreed(column.type, exasol_type(field.type)))
        for column, field in zip(declared, table.schema, strict=True)
    )
    for column, values in zip(columns, table.columns, strict=True):
        if column.type.name == "VARCHAR" and _has_overlong(values):
            raise SqlError("22001", "data exception - string data, right truncation.")
    return ResultSet(columns, table)


def _agreed(declared: ExasolType, found: ExasolType) -> ExasolType:
    """The declared type, where the values are of it; what they are, elsewhere."""
    fits = declared.name == found.name and declared.scale == found.scale
    return declared if fits else found


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema for rows with these columns."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def type_of_duckdb(name: str, size: int = VARCHAR_LIMIT) -> ExasolType:
    """Exasol's type for a DuckDB type by its name; the size is that of a ``VARCHAR``."""
    if name == "VARCHAR":
        return ExasolType("VARCHAR", size=size)
    if name in _INTEGERS:
        return ExasolType("DECIMAL", precision=_INTEGERS[name])
    if name.startswith("DECIMAL("):
        precision, scale = (int(part) for part in name[8:-1].split(","))
        return ExasolType("DECIMAL", precision=min(precision, DECIMAL_LIMIT), scale=scale)
    return ExasolType(_NAMES.get(name, name))


def decimal_text(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Decimals and integers as digits; Arrow itself would write 1E-7 for a small one."""
    if pa.types.is_integer(values.type) or values.type.scale <= _PLAIN_SCALE:
        return values.cast(pa.string())
    digits = [None if value is None else f"{value:f}" for value in values.to_pylist()]
    return pa.array(digits, pa.string())


def _has_overlong(values: pa.ChunkedArray) -> bool:
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    return longest > VARCHAR_LIMIT and pc.max(pc.utf8_length(values)).as_py() > VARCHAR_LIMIT


def exasol_type(kind: pa.DataType) -> ExasolType:
    """Exasol's type for an Arrow type."""
    if pa.types.is_string(kind):
        return ExasolType("VARCHAR", size=VARCHAR_LIMIT)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return ExasolType("BOOLEAN")
    if pa.types.is_floating(kind):
        return ExasolType("DOUBLE")
    if pa.types.is_integer(kind):
        digits = min(_INTEGER_DIGITS[kind.bit_width], 18)
        return ExasolType("DECIMAL", precision=digits)
    if pa.types.is_decimal(kind):
        return ExasolType("DECIMAL", precision=min(kind.precision, DECIMAL_LIMIT), scale=kind.scale)
    if pa.types.is_date(kind):
        return ExasolType("DATE")
    if pa.types.is_timestamp(kind):
        return ExasolType("TIMESTAMP")
    raise SqlError("42000", f"a result of type {kind} is not supported")
