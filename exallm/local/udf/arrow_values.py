"""Arrow columns to the values of frames and back: the engine's side of the conversion.

What comes back is checked as hostile: shape, JSON types, lengths and ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow
import pyarrow.compute

from exallm.local.exasol_type import (
    DAY_TO_SECOND,
    LOCAL_TIME,
    YEAR_TO_MONTH,
    Column,
    ExasolType,
)
from exallm.local.sql_error import SqlError
from exallm.local.udf.channel import FrameError
from exallm.local.udf.json_values import is_json_number

_ARROW_TYPES = {
    "BOOLEAN": pyarrow.bool_(),
    "CHAR": pyarrow.string(),
    "DATE": pyarrow.date32(),
    "DOUBLE": pyarrow.float64(),
    "HASHTYPE": pyarrow.string(),
    DAY_TO_SECOND: pyarrow.string(),
    YEAR_TO_MONTH: pyarrow.string(),
    "TIMESTAMP": pyarrow.timestamp("us"),
    LOCAL_TIME: pyarrow.timestamp("us"),
    "VARCHAR": pyarrow.string(),
}
_JSON_TYPES: dict[str, set[type]] = {"BOOLEAN": {bool}, "DOUBLE": {float, int}}


def arrow_type(data_type: ExasolType) -> Any:
    """The Arrow type of a result's column; DECIMAL is ``decimal128(p, s)``, intervals are texts."""
    if data_type.name == "DECIMAL":
        return pyarrow.decimal128(data_type.precision, data_type.scale)
    return _ARROW_TYPES[data_type.name]


def prepare_columns(batch: pyarrow.RecordBatch, columns: Sequence[Column]) -> list[pyarrow.Array]:
    """Cast a batch to the declared types, in the form that :func:`json_columns` slices.

    The empty text becomes NULL.

    :raises SqlError: 22018 for a value that the declared type cannot hold, 22001 for a text that is
        too long for it.
    """
    if batch.num_columns != len(columns):
        raise ValueError(f"{batch.num_columns} columns for {len(columns)} parameters")
    return [
        _prepared(values, column) for values, column in zip(batch.columns, columns, strict=True)
    ]


def json_columns(prepared: Sequence[pyarrow.Array], start: int, count: int) -> list[list[Any]]:
    """Some rows of prepared columns, as a frame carries them."""
    return [column.slice(start, count).to_pylist() for column in prepared]


def read_columns(values: Any, columns: Sequence[Column], count: int) -> list[pyarrow.Array]:
    """The columns of a frame as Arrow arrays of their declared types.

    :param count: the rows that each column must have.
    :raises FrameError: if anything in them is not what the types allow.
    """
    if not isinstance(values, list) or len(values) != len(columns):
        raise FrameError("a frame has a wrong number of columns")
    return [_read(part, column.type, count) for part, column in zip(values, columns, strict=True)]


def _prepared(values: pyarrow.Array, column: Column) -> pyarrow.Array:
    try:
        if column.type.name == "VARCHAR":
            return _prepared_text(values, column)
        if column.type.name == "DECIMAL":
            return _prepared_decimal(values, column.type)
        typed = values.cast(_ARROW_TYPES[column.type.name])
        return typed if column.type.name in _JSON_TYPES else typed.cast(pyarrow.string())
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        text = f"data exception - invalid value for {column.type.sql()} parameter {column.name}"
        raise SqlError("22018", text) from error


def _prepared_text(values: pyarrow.Array, column: Column) -> pyarrow.Array:
    texts = values.cast(pyarrow.string())
    sizes = pyarrow.compute.binary_length(texts)
    if pyarrow.compute.min(sizes).as_py() == 0:
        empty = pyarrow.compute.equal(sizes, 0)
        texts = pyarrow.compute.if_else(empty, pyarrow.scalar(None, pyarrow.string()), texts)
    if _longest(texts) > column.type.size:
        raise SqlError("22001", "data exception - string data, right truncation.")
    return texts


def _prepared_decimal(values: pyarrow.Array, data_type: ExasolType) -> pyarrow.Array:
    if is_json_number(data_type):
        numbers = values.cast(pyarrow.int64())
        limit = 10**data_type.precision
        extremes = pyarrow.compute.min_max(numbers).as_py()
        if extremes["min"] is not None and max(-extremes["min"], extremes["max"]) >= limit:
            raise pyarrow.ArrowInvalid("out of range")
        return numbers
    if pyarrow.types.is_integer(values.type):
        values = values.cast(pyarrow.string())
    return values.cast(arrow_type(data_type)).cast(pyarrow.string())


def _read(values: Any, data_type: ExasolType, count: int) -> pyarrow.Array:
    if not isinstance(values, list) or len(values) != count:
        raise FrameError("a column of a frame has a wrong number of values")
    is_number = data_type.name == "DECIMAL" and is_json_number(data_type)
    allowed = {int} if is_number else _JSON_TYPES.get(data_type.name, {str})
    if not {type(value) for value in values} <= allowed | {type(None)}:
        raise FrameError(f"a value of a frame is no {data_type.name}")
    try:
        array = _array(values, data_type, is_number)
    except (pyarrow.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise FrameError(f"a value of a frame does not fit {data_type.sql()}") from error
    if data_type.name == "VARCHAR" and _longest(array) > data_type.size:
        raise FrameError(f"a text of a frame does not fit {data_type.sql()}")
    return array


def _array(values: list[Any], data_type: ExasolType, is_number: bool) -> pyarrow.Array:
    wanted = arrow_type(data_type)
    if is_number or data_type.name in ("BOOLEAN", "DOUBLE", "VARCHAR"):
        array = pyarrow.array(values, wanted)
    else:
        array = pyarrow.array(values, pyarrow.string()).cast(wanted)
    if not isinstance(array, pyarrow.Array):
        raise pyarrow.ArrowInvalid("more text than one array holds")
    return array


def _longest(texts: pyarrow.Array) -> int:
    return int(pyarrow.compute.max(pyarrow.compute.utf8_length(texts)).as_py() or 0)
