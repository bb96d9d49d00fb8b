"""Functions of numbers and times that DuckDB lacks, or does otherwise than Exasol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from exallm.local.engine.number_format import number_format
from exallm.local.engine.row_functions import Helper, by_row, text_helper, whole_helper
from exallm.local.engine.time_format import time_format
from exallm.local.sql_error import SqlError

_EXACT = Context(prec=400)
_WORD = 1 << 64
_ALL_BITS = _WORD - 1
_TIME = pa.timestamp("us")


def _decimal(value: float | int | Decimal) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _at_digit(rounding: str) -> Callable[..., str]:
    def rounded(value: float | int | Decimal, digits: int) -> str:
        unit = Decimal(1).scaleb(-max(-400, min(digits, 400)))
        number = _decimal(value)
        if -number.as_tuple().exponent <= digits:  # type: ignore[operator]  # finite numbers only
            return f"{number:f}"
        return f"{number.quantize(unit, rounding=rounding, context=_EXACT):f}"

    return rounded


def quotient(value: int | Decimal, divisor: int | Decimal) -> str:
    """The whole part of a quotient; :raises SqlError: 22012 for a division by zero."""
    if divisor == 0:
        raise SqlError("22012", "data exception - division by zero.")
    return f"{_EXACT.divide_int(Decimal(value), Decimal(divisor)):f}"


def bits(operation: str, value: int, other: int) -> str:
    """An operation on 64 bits without a sign.

    :raises SqlError: 22003 for a number that is negative or has more than 64 bits.
    """
    value = _unsigned(value)
    if operation in ("and", "or", "xor"):
        other = _unsigned(other)
        return str({"and": value & other, "or": value | other, "xor": value ^ other}[operation])
    if operation == "not":
        return str(value ^ _ALL_BITS)
    if operation == "check":
        return str(value >> _place(other) & 1)
    if operation == "set":
        return str(value | 1 << _place(other))
    if operation in ("lrotate", "rrotate"):
        turn = other % 64 if operation == "lrotate" else -other % 64
        return str((value << turn | value >> (64 - turn)) & _ALL_BITS)
    if other < 0:
        raise _out_of_range()
    if operation == "lshift":
        return str(value << min(other, 64) & _ALL_BITS)
    return str(value >> min(other, 64))


def _unsigned(value: int | Decimal) -> int:
    if not 0 <= value < _WORD:
        raise _out_of_range()
    return int(value)


def _place(value: int) -> int:
    if not 0 <= value < 64:
        raise _out_of_range()
    return int(value)


def bits_to_number(*values: int) -> str:
    """The number whose binary digits these are."""
    if len(values) > 64 or any(value not in (0, 1) for value in values):
        raise _out_of_range()
    return str(int("".join(str(int(value)) for value in values), 2))


def min_scale(value: float | int | Decimal) -> int:
    """The fewest digits after the point with which the number is still the same."""
    exponent = _decimal(value).normalize(_EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def convert_tz(time: datetime, source: str, target: str) -> datetime:
    """A time of one zone as the clocks of another show it.

    A time that a clock skips is moved forward; of one that it shows twice the standard time counts.

    :raises SqlError: 22009 for an unknown time zone.
    """
    zone = _zone(source)
    standard = time.replace(tzinfo=zone, fold=1)
    is_skipped = standard.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time
    moment = time.replace(tzinfo=zone, fold=0) if is_skipped else standard
    return moment.astimezone(_zone(target)).replace(tzinfo=None)


def _zone(name: str) -> ZoneInfo:
    written = "/".join(
        "_".join(word.capitalize() for word in part.split("_")) for part in name.split("/")
    )
    for candidate in (name, written, name.upper()):
        try:
            return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError):
            continue
    raise SqlError("22009", f"data exception - invalid time zone '{name[:80]}'")


def _day_by_format(text: str, model: str) -> date:
    return time_format(model).read(text).date()


def _out_of_range() -> SqlError:
    return SqlError("22003", "data exception - numeric value out of range.")


NUMBER_HELPERS: tuple[Helper, ...] = (
    Helper("exallm_convert_tz", by_row(convert_tz, _TIME), "TIMESTAMP"),
    Helper("exallm_date_by_format", by_row(_day_by_format, pa.date32()), "DATE"),
    Helper(
        "exallm_timestamp_by_format",
        by_row(lambda text, model: time_format(model).read(text), _TIME),
        "TIMESTAMP",
    ),
    text_helper("exallm_bit_to_num", bits_to_number),
    text_helper("exallm_bits", bits),
    text_helper(
        "exallm_number_text", lambda digits, model: number_format(model).write(Decimal(digits))
    ),
    text_helper("exallm_quotient", quotient),
    text_helper("exallm_round", _at_digit(ROUND_HALF_UP)),
    text_helper("exallm_time_text", lambda time, model: time_format(model).write(time)),
    text_helper("exallm_to_number", lambda text, model: number_format(model).read(text)),
    text_helper("exallm_trunc", _at_digit(ROUND_DOWN)),
    whole_helper("exallm_min_scale", min_scale),
)
