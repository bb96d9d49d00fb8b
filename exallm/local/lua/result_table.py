"""The table that a script returns: its columns, and its cells as their types want them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from exallm.local.exasol_type import DECIMAL_LIMIT, Column, ExasolType, parse_script_type
from exallm.local.lua.session import LuaCell, SqlValue
from exallm.local.sql_error import SqlError

_COLUMN = re.compile(
    r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<word>[^\W\d][\w$]*))\s+(?P<type>[^,()]+(?:\([^()]*\))?'
    r"[^,()]*?)\s*(?:,|\Z)"
)
_CONTEXT = Context(prec=2 * DECIMAL_LIMIT, rounding=ROUND_HALF_UP)


def parse_columns(text: str) -> tuple[Column, ...]:
    """Read ``NAME TYPE, ...``; unquoted names fold to upper case.

    :raises SqlError: 42000 where the text is no such list.
    """
    columns: list[Column] = []
    position = 0
    while position < len(text) or not columns:
        match = _COLUMN.match(text, position)
        if match is None:
            rest = text[position : position + 40]
            raise SqlError(
                "42000", f"syntax error in the columns that the script returns: {rest!r}"
            )
        name = match["quoted"].replace('""', '"') if match["quoted"] else match["word"].upper()
        try:
            columns.append(Column(name, parse_script_type(match["type"])))
        except ValueError as problem:
            raise SqlError("42000", f"column {name} that the script returns: {problem}") from None
        position = match.end()
    if text.rstrip().endswith(","):
        raise SqlError("42000", "syntax error in the columns that the script returns: ends in ','")
    return tuple(columns)


def convert_cell(value: LuaCell | None, type_: ExasolType | None, place: str) -> SqlValue:
    """One cell as the type wants it; the empty string is NULL; without a type, as it is.

    :param place: names the cell in an error, as ``row 2, column ID``.
    :raises SqlError: 22001 for a text that is too long, 22018 for a value of another type.
    """
    if value is None or value == "":
        return None
    if type_ is None:
        return value
    try:
        return _CONVERTERS[type_.name](value, type_)
    except (ValueError, InvalidOperation):
        shown = repr(value)[:60]
        raise SqlError(
            "22018", f"{place} of the script's result: {shown} is no {type_.sql()}"
        ) from None
    except OverflowError:
        raise SqlError(
            "22001", f"{place} of the script's result is too long for {type_.sql()}"
        ) from None


def _varchar(value: LuaCell, type_: ExasolType) -> SqlValue:
    if isinstance(value, bool):
        raise ValueError(value)
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if len(text) > type_.size:
        raise OverflowError(text)
    return text


def _decimal(value: LuaCell, type_: ExasolType) -> SqlValue:
    if isinstance(value, bool):
        raise ValueError(value)
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise ValueError(value)
    exact = number.quantize(Decimal(1).scaleb(-type_.scale), context=_CONTEXT)
    if exact.adjusted() >= type_.precision - type_.scale and exact != 0:
        raise OverflowError(value)
    return int(exact) if type_.scale == 0 else exact


def _double(value: LuaCell, _: ExasolType) -> SqlValue:
    if isinstance(value, bool):
        raise ValueError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _boolean(value: LuaCell, _: ExasolType) -> SqlValue:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _date(value: LuaCell, _: ExasolType) -> SqlValue:
    if not isinstance(value, str):
        raise ValueError(value)
    return date.fromisoformat(value)


def _timestamp(value: LuaCell, _: ExasolType) -> SqlValue:
    if not isinstance(value, str):
        raise ValueError(value)
    return datetime.fromisoformat(value)


_CONVERTERS: dict[str, Callable[[LuaCell, ExasolType], SqlValue]] = {
    "BOOLEAN": _boolean,
    "DATE": _date,
    "DECIMAL": _decimal,
    "DOUBLE": _double,
    "TIMESTAMP": _timestamp,
    "VARCHAR": _varchar,
}
