"""What a statement gives back."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from exallm.local.exasol_type import DECIMAL_LIMIT, VARCHAR_LIMIT, Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.arrow_values import arrow_type

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


def result_set(table: pa.Table) -> ResultSet:
    """The result for what DuckDB returned; :raises SqlError: for a type that Exasol lacks."""
    columns = tuple(Column(field.name, exasol_type(field.type)) for field in table.schema)
    return ResultSet(columns, table)


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema for rows with these columns."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


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
