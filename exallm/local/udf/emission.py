"""Rows on their way out of a script: exact type checks, as the real runtime makes them.

The codes and texts 1087 to 1098 are those of the public UDF client. In three places this runtime
is stricter than the real one, each where a script would lose data or fail later:

- a float for a DECIMAL column is refused with 1092 (the real one cuts its fraction off up to 18
  digits, and fails beyond);
- a text that UTF-8 cannot carry and a timestamp with a time zone are refused by name;
- a numpy scalar inside an object column of a frame is refused with 1098, as in ``emit(value)``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm_udfs.errors import ExallmError

if TYPE_CHECKING:
    import pandas

Check = Callable[[Any], Any]
Write = Callable[[list[int], list[tuple[Any, ...]]], None]

FLUSH_SIZE = 4_000_000

_REFUSED = {
    int: "1091",
    float: "1092",
    bool: "1093",
    str: "1094",
    decimal.Decimal: "1095",
    datetime.date: "1096",
    datetime.datetime: "1097",
}
_PYTHON_NAMES = {
    "BOOLEAN": "bool",
    "DATE": "datetime.date",
    "DOUBLE": "float",
    "TIMESTAMP": "datetime.datetime",
    "VARCHAR": "unicode",
}
_WIDE = decimal.Context(prec=100, rounding=decimal.ROUND_HALF_UP, traps=[decimal.InvalidOperation])


class DataError(SqlError):
    """A value that its column cannot hold. The statement fails even if the script catches it."""


class Emission:
    """Checks rows against the output columns, gathers them and hands them on in chunks.

    :param columns: the output columns.
    :param write: takes the rows' origins and the rows, whenever about 4 MB wait and at the end.
    """

    def __init__(self, columns: Sequence[Column], write: Write) -> None:
        self._count = len(columns)
        self._checks = [_check_of(column) for column in columns]
        self._decimals = [column.type.name == "DECIMAL" for column in columns]
        self._write = write
        self._rows: list[tuple[Any, ...]] = []
        self._origins: list[int] = []
        self._size = 0
        self.origin = 0
        self.data_error: DataError | None = None

    def emit(self, *values: Any) -> None:
        """Take one row, or every row of a DataFrame. None, NaN in a frame, and '' are NULL.

        :raises RuntimeError: 1087 for an empty frame, 1091 to 1098 for a value of a wrong type.
        :raises TypeError: 1088 to 1090 for a wrong number of columns.
        :raises DataError: 22001 for a text that is too long, 22003 for a number out of range.
        """
        if len(values) == 1 and type(values[0]).__name__ == "DataFrame":
            for row in self._frame_rows(values[0]):
                self._add(row)
        else:
            self._add(values)

    def value(self, value: Any) -> Any:
        """The value of a RETURNS script, checked as a row of one column is."""
        try:
            return None if value is None else self._checks[0](value)
        except DataError as error:
            self.data_error = error
            raise

    def flush(self) -> None:
        """Hand on what is gathered."""
        if self._rows:
            rows, origins = self._rows, self._origins
            self._rows, self._origins, self._size = [], [], 0
            self._write(origins, rows)

    def _add(self, values: Sequence[Any]) -> None:
        row = self._checked(values)
        self._rows.append(row)
        self._origins.append(self.origin)
        for value in row:
            self._size += len(value) + 8 if type(value) is str else 8
        if self._size >= FLUSH_SIZE:
            self.flush()

    def _checked(self, values: Sequence[Any]) -> tuple[Any, ...]:
        if len(values) != self._count:
            raise _count_error("1090" if self._count == 1 else "1089", self._count, len(values))
        try:
            return tuple(
                [
                    None if value is None else check(value)
                    for check, value in zip(self._checks, values, strict=True)
                ]
            )
        except DataError as error:
            self.data_error = error
            raise

    def _frame_rows(self, frame: pandas.DataFrame) -> list[tuple[Any, ...]]:
        rows, columns = frame.shape
        if rows == 0:
            raise RuntimeError("E-UDF-CL-SL-PYTHON-1087: emit DataFrame is empty")
        if columns != self._count:
            raise _count_error("1088", self._count, columns)
        values = [
            _frame_values(frame.iloc[:, index], self._decimals[index]) for index in range(columns)
        ]
        return list(zip(*values, strict=True))


def _frame_values(series: pandas.Series[Any], is_decimal: bool) -> list[Any]:
    import pandas  # a script that emits a frame has loaded it; no other should wait for it

    values: list[Any] = []
    for value, null in zip(series.tolist(), series.isna().tolist(), strict=True):
        if null:
            values.append(None)
        elif isinstance(value, pandas.Timestamp):
            values.append(value.to_pydatetime())
        elif is_decimal and type(value) is float and value.is_integer():
            # pandas keeps whole numbers beside NULL as floats.
            values.append(int(value))
        else:
            values.append(value)
    return values


def _count_error(code: str, expected: int, given: int) -> TypeError:
    plural = "" if expected == 1 else "s"
    text = f"emit() takes exactly {expected} argument{plural} ({given} given)"
    return TypeError(f"E-UDF-CL-SL-PYTHON-{code}: {text}")


def _type_error(column: Column, value: Any) -> RuntimeError:
    code = _REFUSED.get(type(value))
    if code is None:
        return RuntimeError(f"E-UDF-CL-SL-PYTHON-1098: data type {type(value)} is not supported")
    return RuntimeError(
        f"E-UDF-CL-SL-PYTHON-{code}: emit column '{column.name}' is of type "
        f"{_python_name(column)} but data given have type {type(value)}"
    )


def _python_name(column: Column) -> str:
    if column.type.name != "DECIMAL":
        return _PYTHON_NAMES[column.type.name]
    if column.type.scale or column.type.precision > 18:
        return "decimal.Decimal"
    return "int" if column.type.precision <= 9 else "long"


def _check_of(column: Column) -> Check:
    if column.type.name == "VARCHAR":
        return _text_check(column)
    if column.type.name == "DECIMAL":
        return _decimal_check(column)
    if column.type.name == "DOUBLE":
        return _double_check(column)
    if column.type.name == "TIMESTAMP":
        return _timestamp_check(column)
    expected = bool if column.type.name == "BOOLEAN" else datetime.date

    def check(value: Any) -> Any:
        if type(value) is not expected:
            raise _type_error(column, value)
        return value

    return check


def _text_check(column: Column) -> Check:
    limit = column.type.size

    def check(value: Any) -> Any:
        if type(value) is not str:
            raise _type_error(column, value)
        if len(value) > limit:
            raise DataError("22001", "data exception - string data, right truncation.")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise ExallmError(
                    "E-EXALLM-LOCAL-22",
                    f"the text for column {column.name} has a lone surrogate at {error.start}",
                    "encode and decode it with errors='replace' first",
                ) from error
        return value or None

    return check


def _double_check(column: Column) -> Check:
    def check(value: Any) -> Any:
        kind = type(value)
        if kind is float:
            return value
        if kind is int or kind is decimal.Decimal:
            return float(value)
        raise _type_error(column, value)

    return check


def _timestamp_check(column: Column) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not datetime.datetime:
            raise _type_error(column, value)
        if value.tzinfo is not None:
            raise ExallmError(
                "E-EXALLM-LOCAL-23",
                f"the timestamp for column {column.name} has a time zone",
                "emit value.replace(tzinfo=None), in the session's time zone",
            )
        return value

    return check


def _decimal_check(column: Column) -> Check:
    precision, scale = column.type.precision, column.type.scale
    limit = 10**precision
    unit = decimal.Decimal(1).scaleb(-scale)

    def whole(value: Any) -> Any:
        if type(value) is decimal.Decimal:
            if not value.is_finite() or (value and value.adjusted() > precision):
                raise _out_of_range()
            # Up to 18 digits the real runtime makes an int of it, which cuts the fraction off.
            value = int(value) if precision <= 18 else int(value.quantize(unit, context=_WIDE))
        elif type(value) is not int:
            raise _type_error(column, value)
        if not -limit < value < limit:
            raise _out_of_range()
        return value

    def fraction(value: Any) -> Any:
        if type(value) is int:
            value = decimal.Decimal(value)
        elif type(value) is not decimal.Decimal:
            raise _type_error(column, value)
        if not value.is_finite() or (value and value.adjusted() > precision):
            raise _out_of_range()
        rounded = value.quantize(unit, context=_WIDE)
        if abs(rounded) >= limit * unit:
            raise _out_of_range()
        return rounded

    return fraction if scale else whole


def _out_of_range() -> DataError:
    return DataError("22003", "data exception - numeric value out of range.")
