"""What a statement gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from exallm.local.exasol_type import (
    DECIMAL_LIMIT,
    FRACTION_LIMIT,
    VARCHAR_LIMIT,
    Column,
    ExasolType,
)
from exallm.local.sql.environment import OutputColumn
from exallm.local.sql.intervals import interval_text
from exallm.local.sql.kinds import output_type
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


def result_set(table: pa.Table, outputs: Sequence[OutputColumn]) -> ResultSet:
    """The result for what DuckDB returned for these columns.

    :raises SqlError: 22001 for a text that is longer than a VARCHAR can be.
    """
    columns = tuple(
        Column(output.name, output_type(output.kind, exasol_type(field.type)))
        for output, field in zip(outputs, table.schema, strict=True)
    )
    for place, column in enumerate(columns):
        if column.type.is_interval:
            texts = intervals_as_text(table.column(place), column.type)
            table = table.set_column(place, table.schema.field(place).name, texts)
        elif column.type.name == "VARCHAR" and _has_overlong(table.column(place)):
            raise SqlError("22001", "data exception - string data, right truncation.")
    return ResultSet(columns, table)


def intervals_as_text(
    values: pa.Array | pa.ChunkedArray, type_: ExasolType
) -> pa.Array | pa.ChunkedArray:
    """Months or microseconds as Exasol writes them."""
    texts = [None if value is None else interval_text(value, type_) for value in values.to_pylist()]
    return pa.array(texts, pa.string())


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema for rows with these columns."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def type_of_duckdb(name: str) -> ExasolType:
    """Exasol's type for a DuckDB type by its name."""
    if name == "VARCHAR":
        return ExasolType("VARCHAR", size=VARCHAR_LIMIT)
    if name == "TIMESTAMP":
        return ExasolType("TIMESTAMP", fraction=FRACTION_LIMIT)
    if name in _INTEGERS:
        return ExasolType("DECIMAL", precision=_INTEGERS[name])
    if name.startswith("DECIMAL("):
        precision, scale = (int(part) for part in name[8:-1].split(","))
        return ExasolType("DECIMAL", precision=min(precision, DECIMAL_LIMIT), scale=scale)
    return ExasolType(_NAMES.get(name, name))


def decimal_text(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Numbers of a DECIMAL as digits; Arrow itself would write 1E-7 for a small one."""
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
        return ExasolType("TIMESTAMP", fraction=FRACTION_LIMIT)
    raise SqlError("42000", f"a result of type {kind} is not supported")
