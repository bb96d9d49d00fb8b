"""Makes functions of single values into functions of whole columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa

ColumnFunction = Callable[..., pa.Array]


class Helper(NamedTuple):
    """A function to register with DuckDB.

    :param result: DuckDB's name of the type of its results.
    """

    name: str
    function: ColumnFunction
    result: str


def by_row(function: Callable[..., Any], result: pa.DataType) -> ColumnFunction:
    """A function of columns that calls another one for every row; NULL in any argument is NULL."""

    def columns(*arguments: pa.Array) -> pa.Array:
        rows = zip(*(argument.to_pylist() for argument in arguments), strict=True)
        values = [None if None in row else function(*row) for row in rows]
        return pa.array(values, result)

    return columns


def text_helper(name: str, function: Callable[..., str | None]) -> Helper:
    """A helper that gives a text, in which '' is NULL."""
    return Helper(name, by_row(lambda *row: function(*row) or None, pa.string()), "VARCHAR")


def whole_helper(name: str, function: Callable[..., int | None]) -> Helper:
    """A helper that gives a whole number."""
    return Helper(name, by_row(function, pa.int64()), "BIGINT")


def truth_helper(name: str, function: Callable[..., bool]) -> Helper:
    """A helper that gives a BOOLEAN."""
    return Helper(name, by_row(function, pa.bool_()), "BOOLEAN")
