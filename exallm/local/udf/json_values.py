"""Values as frames carry them, by column type: the UDF process's side of the conversion.

DECIMAL(p,0) with p <= 18 is a JSON number, every other DECIMAL a string; DATE and TIMESTAMP are ISO
strings; DOUBLE is a JSON number, NaN and Infinity included; NULL is null.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

from exallm.local.exasol_type import Column, ExasolType


def decode_rows(
    columns: Sequence[Sequence[Any]], types: Sequence[ExasolType], count: int
) -> list[tuple[Any, ...]]:
    """Rows of Python values from a frame's columns.

    :param count: the number of rows, which a script without parameters has too.
    """
    if not types:
        return [()] * count
    decoded = [
        _converted(values, _decoder(data_type))
        for values, data_type in zip(columns, types, strict=True)
    ]
    return list(zip(*decoded, strict=True))


def encode_column(values: Sequence[Any], data_type: ExasolType) -> Sequence[Any]:
    """One column of checked Python values, as a frame carries it."""
    return _converted(values, _encoder(data_type))


def encode_rows(rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> list[Sequence[Any]]:
    """Checked rows, as the columns of a frame."""
    by_column = zip(*rows, strict=True)
    return [
        encode_column(values, column.type)
        for values, column in zip(by_column, columns, strict=True)
    ]


def is_json_number(data_type: ExasolType) -> bool:
    """Whether frames carry this DECIMAL type as a number."""
    return data_type.scale == 0 and data_type.precision <= 18


def _converted(values: Sequence[Any], convert: Callable[[Any], Any] | None) -> Sequence[Any]:
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _decoder(data_type: ExasolType) -> Callable[[Any], Any] | None:
    if data_type.name == "DECIMAL":
        if is_json_number(data_type):
            return None
        return decimal.Decimal if data_type.scale else int
    if data_type.name == "DATE":
        return datetime.date.fromisoformat
    if data_type.name == "TIMESTAMP":
        return datetime.datetime.fromisoformat
    return None


def _encoder(data_type: ExasolType) -> Callable[[Any], Any] | None:
    if data_type.name == "DECIMAL":
        if is_json_number(data_type):
            return None
        return _plain_decimal if data_type.scale else str
    if data_type.name in ("DATE", "TIMESTAMP"):
        return _iso
    return None


def _plain_decimal(value: decimal.Decimal) -> str:
    return format(value, "f")


def _iso(value: datetime.date) -> str:
    return value.isoformat()
