"""Values of the INTERVAL types: texts outside, whole numbers of months or microseconds inside.

Numbers sort, group and compare as the intervals do.
"""

from __future__ import annotations

import re

from exallm.local.exasol_type import FRACTION_LIMIT, YEAR_TO_MONTH, ExasolType
from exallm.local.sql_error import SqlError

_YEARS = re.compile(r"([+-]?)(\d{1,9})-(\d{1,2})")
_DAYS = re.compile(r"([+-]?)(\d{1,9}) (\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?")
_SECOND: int = 10**FRACTION_LIMIT


def interval_of(text: str, type_: ExasolType) -> int:
    """The months or microseconds of ``+02-03`` or ``+02 03:04:05.123``.

    Digits that the type's fraction does not have are cut off.

    :raises SqlError: 22006 for a text that is no interval, 22015 for one that is too long.
    """
    is_years = type_.name == YEAR_TO_MONTH
    match = (_YEARS if is_years else _DAYS).fullmatch(text.strip())
    if match is None:
        raise _invalid(text, type_)
    if len(match[2].lstrip("0")) > type_.precision:
        raise SqlError("22015", f"data exception - interval field overflow; Value: '{text[:80]}'")
    value = _months(match) if is_years else _microseconds(match, type_.fraction)
    if value is None:
        raise _invalid(text, type_)
    return -value if match[1] == "-" else value


def interval_text(value: int, type_: ExasolType) -> str:
    """The text of so many months or microseconds, with all digits that the type has."""
    sign, amount = "-" if value < 0 else "+", abs(value)
    if type_.name == YEAR_TO_MONTH:
        return f"{sign}{amount // 12:0{type_.precision}}-{amount % 12:02}"
    seconds, fraction = divmod(amount, _SECOND)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    digits = f"{fraction:0{FRACTION_LIMIT}}"[: type_.fraction]
    tail = f".{digits}" if digits else ""
    return f"{sign}{days:0{type_.precision}} {hour:02}:{minute:02}:{second:02}{tail}"


def _months(match: re.Match[str]) -> int | None:
    years, months = int(match[2]), int(match[3])
    return years * 12 + months if months < 12 else None


def _microseconds(match: re.Match[str], fraction: int) -> int | None:
    days, hours, minutes, seconds = (int(match[group]) for group in (2, 3, 4, 5))
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    digits = (match[6] or "")[:fraction].ljust(FRACTION_LIMIT, "0")
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return whole * _SECOND + int(digits)


def _invalid(text: str, type_: ExasolType) -> SqlError:
    return SqlError("22006", f"data exception - invalid {type_.name} value; Value: '{text[:80]}'")
