"""DuckDB functions that do what Exasol does and DuckDB does not.

Each takes whole columns as Arrow arrays. An error raised here reaches the client as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType

from exallm.local.engine.call_table import whole
from exallm.local.engine.number_helpers import NUMBER_HELPERS
from exallm.local.engine.result import decimal_text, intervals_as_text
from exallm.local.engine.row_functions import by_row
from exallm.local.engine.text_helpers import TEXT_HELPERS
from exallm.local.exasol_type import ExasolType
from exallm.local.sql.intervals import interval_of
from exallm.local.sql.kinds import DATE, FALSE_WORDS, NUMBER, TIMESTAMP, TRUE_WORDS
from exallm.local.sql.text_values import hash_digits, padded
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
    if pa.types.is_decimal(kind):
        return decimal_text(values)
    if pa.types.is_integer(kind) or pa.types.is_date(kind):
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


def finite(values: pa.Array) -> pa.Array:
    """The column unchanged; :raises SqlError: 22003 where a value is infinite or no number."""
    if pc.any(pc.invert(pc.is_finite(values))).as_py():
        raise SqlError("22003", "data exception - numeric value out of range.")
    return values


def number(values: pa.Array) -> pa.Array:
    """Numbers as digits for a cast to DECIMAL; :raises SqlError: 22018 for a text that is none."""
    digits = text(values) if not pa.types.is_boolean(values.type) else values.cast(pa.int8())
    digits = digits.cast(pa.string())
    _check(digits, NUMBER, "22018", "DECIMAL")
    return digits


def double(values: pa.Array) -> pa.Array:
    """The column as DOUBLE; :raises SqlError: 22018 for a text that is no number."""
    if pa.types.is_string(values.type):
        _check(values, NUMBER, "22018", "DOUBLE")
        numbers = [float(value) if value is not None else None for value in values.to_pylist()]
        return finite(pa.array(numbers, pa.float64()))
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return values.cast(pa.float64())


def boolean(values: pa.Array) -> pa.Array:
    """The column as BOOLEAN; :raises SqlError: 22018 for other words and numbers than 0 and 1."""
    words = [None if v is None else str(v).lower() for v in text(values).to_pylist()]
    wrong = [word for word in words if word not in (None, *TRUE_WORDS, *FALSE_WORDS)]
    if wrong:
        raise _invalid("22018", "BOOLEAN", wrong[0])
    return pa.array([None if word is None else word in TRUE_WORDS for word in words], pa.bool_())


def day(values: pa.Array) -> pa.Array:
    """The column as DATE; :raises SqlError: 22007 for a text that is no YYYY-MM-DD."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    _check(values, DATE, "22007", "DATE")
    return _time(values, pa.date32(), "DATE")


def time(values: pa.Array) -> pa.Array:
    """The column as TIMESTAMP; :raises SqlError: 22007 for a text that is none."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.timestamp("us"))
    _check(values, TIMESTAMP, "22007", "TIMESTAMP")
    return _time(values, pa.timestamp("us"), "TIMESTAMP")


def substring(values: pa.Array, starts: pa.Array, lengths: pa.Array) -> pa.Array:
    """Parts of texts from 1-based positions; negative ones count from the end, 0 means 1."""
    rows = zip(values.to_pylist(), starts.to_pylist(), lengths.to_pylist(), strict=True)
    return pa.array([_part(*row) for row in rows], pa.string())


def ascii_code(values: pa.Array) -> pa.Array:
    """The code of each text's first character; :raises SqlError: 22021 above 127."""
    codes = [ord(value[0]) if value else None for value in values.to_pylist()]
    if any(code is not None and code > 127 for code in codes):
        raise SqlError("22021", "data exception - character not in repertoire")
    return pa.array(codes, pa.int32())


def reverse(values: pa.Array) -> pa.Array:
    """Each text from its last character to its first."""
    return pa.array([v if v is None else v[::-1] for v in values.to_pylist()], pa.string())


def ascii_text(values: pa.Array) -> pa.Array:
    """The column unchanged; :raises SqlError: 22021 where a character is not in ASCII."""
    if pc.any(pc.greater(pc.binary_length(values), pc.utf8_length(values))).as_py():
        raise SqlError("22021", "data exception - character not in repertoire.")
    return values


def interval(
    values: pa.Array, names: pa.Array, precisions: pa.Array, fractions: pa.Array
) -> pa.Array:
    """Texts as months or microseconds; :raises SqlError: 22006 for one that is no interval."""
    if not len(values):
        return pa.array([], pa.int64())
    type_ = _interval_type(names, precisions, fractions)
    numbers = [None if v is None else interval_of(v, type_) for v in values.to_pylist()]
    return pa.array(numbers, pa.int64())


def interval_texts(
    values: pa.Array, names: pa.Array, precisions: pa.Array, fractions: pa.Array
) -> pa.Array:
    """Months or microseconds as texts of an INTERVAL type."""
    if not len(values):
        return pa.array([], pa.string())
    return intervals_as_text(values, _interval_type(names, precisions, fractions))


_HELPERS: tuple[tuple[str, Callable[..., pa.Array], str], ...] = (
    ("exallm_ascii", ascii_code, "INTEGER"),
    ("exallm_ascii_only", ascii_text, "VARCHAR"),
    ("exallm_boolean", boolean, "BOOLEAN"),
    ("exallm_date", day, "DATE"),
    ("exallm_divisor", divisor, "DOUBLE"),
    ("exallm_double", double, "DOUBLE"),
    ("exallm_finite", finite, "DOUBLE"),
    ("exallm_fit", fit, "VARCHAR"),
    ("exallm_hash", by_row(hash_digits, pa.string()), "VARCHAR"),
    ("exallm_interval", interval, "BIGINT"),
    ("exallm_interval_text", interval_texts, "VARCHAR"),
    ("exallm_number", number, "VARCHAR"),
    ("exallm_padded", by_row(padded, pa.string()), "VARCHAR"),
    ("exallm_reverse", reverse, "VARCHAR"),
    ("exallm_substring", substring, "VARCHAR"),
    ("exallm_text", text, "VARCHAR"),
    ("exallm_timestamp", time, "TIMESTAMP"),
)


def register_helpers(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to DuckDB."""
    for name, function, result in (*_HELPERS, *TEXT_HELPERS, *NUMBER_HELPERS):
        connection.create_function(
            name,
            _of_whole_columns(function),
            None,
            result,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )


def _of_whole_columns(function: Callable[..., pa.Array]) -> Callable[..., pa.Array]:
    # DuckDB asks for the number of parameters: any.
    return lambda *columns: function(*(whole(column) for column in columns))


def _interval_type(names: pa.Array, precisions: pa.Array, fractions: pa.Array) -> ExasolType:
    """The type that every row names."""
    name, precision, fraction = (part[0].as_py() for part in (names, precisions, fractions))
    return ExasolType(name, precision=precision, fraction=fraction)


def _check(values: pa.Array, pattern: re.Pattern[str], code: str, name: str) -> None:
    fits = pc.match_substring_regex(values, pattern=f"^(?:{pattern.pattern})$")
    if pc.any(pc.invert(fits)).as_py():
        raise _invalid(code, name, values.filter(pc.invert(fits))[0].as_py())


def _time(values: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    try:
        return values.cast(kind)
    except pa.ArrowInvalid as error:
        raise _invalid("22007", name, str(error)) from error


def _invalid(code: str, name: str, value: str) -> SqlError:
    return SqlError(code, f"data exception - invalid {name} value; Value: '{value[:80]}'")


def _part(value: str | None, start: int | None, length: int | None) -> str | None:
    if value is None or start is None or length is None or length <= 0:
        return None
    first = max(start, 1) - 1 if start >= 0 else len(value) + start
    return value[first : first + length] if first >= 0 else None


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    written = repr(value)
    return written.removesuffix(".0")
