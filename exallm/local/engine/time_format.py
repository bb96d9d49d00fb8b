"""Exasol's format models for dates and timestamps: writing by them and reading by them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from exallm.local.sql_error import SqlError

_MONTHS = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
]
_DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
_SEPARATORS = frozenset("-:;./_=>\\ ,")
_JULIAN = 1_721_425  # the Julian day before 0001-01-01


def _sunday_first(time: datetime) -> int:
    return time.isoweekday() % 7 + 1


def _fraction(digits: int) -> Callable[[datetime], str]:
    return lambda time: f"{time.microsecond:06d}".ljust(9, "0")[:digits]


def _year(digits: int) -> Callable[[datetime], str]:
    return lambda time: f"{time.year:04d}"[-digits:]


def _iso_year(digits: int) -> Callable[[datetime], str]:
    return lambda time: f"{time.isocalendar().year:04d}"[-digits:]


def _sunday_week(time: datetime) -> str:
    """The week of the year; weeks begin on Sunday, the days before the first one are week 0."""
    return f"{(time.timetuple().tm_yday + 6 - time.isoweekday() % 7) // 7:02d}"


# Longer names stand before those that they begin with.
_WRITERS: dict[str, Callable[[datetime], str]] = {
    "A.M.": lambda t: "A.M." if t.hour < 12 else "P.M.",
    "P.M.": lambda t: "A.M." if t.hour < 12 else "P.M.",
    "AM": lambda t: "AM" if t.hour < 12 else "PM",
    "PM": lambda t: "AM" if t.hour < 12 else "PM",
    "CC": lambda t: f"{(t.year + 99) // 100:02d}",
    "DAY": lambda t: _DAYS[t.weekday()],
    "DDD": lambda t: f"{t.timetuple().tm_yday:03d}",
    "DD": lambda t: f"{t.day:02d}",
    "DY": lambda t: _DAYS[t.weekday()][:3],
    "D": lambda t: str(_sunday_first(t)),
    **{f"FF{digits}": _fraction(digits) for digits in range(1, 10)},
    "FF": _fraction(6),
    "HH24": lambda t: f"{t.hour:02d}",
    "HH12": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "HH": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "ID": lambda t: str(t.isoweekday()),
    "IW": lambda t: f"{t.isocalendar().week:02d}",
    "IYYY": _iso_year(4),
    "IYY": _iso_year(3),
    "IY": _iso_year(2),
    "I": _iso_year(1),
    "J": lambda t: str(t.toordinal() + _JULIAN),
    "MI": lambda t: f"{t.minute:02d}",
    "MM": lambda t: f"{t.month:02d}",
    "MONTH": lambda t: _MONTHS[t.month - 1],
    "MON": lambda t: _MONTHS[t.month - 1][:3],
    "Q": lambda t: str((t.month + 2) // 3),
    "RM": lambda t: _ROMAN[t.month - 1],
    "SSSSS": lambda t: f"{t.hour * 3600 + t.minute * 60 + t.second:05d}",
    "SS": lambda t: f"{t.second:02d}",
    "UW": _sunday_week,
    "WW": lambda t: f"{(t.timetuple().tm_yday + 6) // 7:02d}",
    "W": lambda t: str((t.day + 6) // 7),
    "YYYY": _year(4),
    "YYY": _year(3),
    "YY": _year(2),
    "Y": _year(1),
}
_NAMED = frozenset(("DAY", "DY", "MONTH", "MON", "RM", "AM", "PM", "A.M.", "P.M."))
_READERS = {
    "A.M.": r"[AP]\.M\.",
    "P.M.": r"[AP]\.M\.",
    "AM": "[AP]M",
    "PM": "[AP]M",
    "DDD": r"\d{1,3}",
    "DD": r"\d{1,2}",
    "HH24": r"\d{1,2}",
    "HH12": r"\d{1,2}",
    "HH": r"\d{1,2}",
    "MI": r"\d{1,2}",
    "MM": r"\d{1,2}",
    "MONTH": "|".join(_MONTHS),
    "MON": "|".join(month[:3] for month in _MONTHS),
    "SSSSS": r"\d{1,5}",
    "SS": r"\d{1,2}",
    "YYYY": r"\d{1,4}",
    "J": r"\d{1,7}",
    **{f"FF{digits}": rf"\d{{1,{digits}}}" for digits in range(1, 10)},
    "FF": r"\d{1,6}",
}
_BY_LENGTH = sorted(_WRITERS, key=len, reverse=True)


@dataclass(frozen=True)
class TimeFormat:
    """One format model.

    :param parts: its elements and separators in order; an element as the model writes it.
    """

    text: str
    parts: tuple[tuple[str, bool], ...]

    def write(self, time: datetime) -> str:
        """The time as the model says."""
        return "".join(
            _cased(_WRITERS[part.upper()](time), part) if is_element else part
            for part, is_element in self.parts
        )

    def read(self, text: str) -> datetime:
        """The time that a text stands for; :raises SqlError: 22007 where it is none."""
        match = _pattern(self).fullmatch(text.strip(), 0)
        if match is None:
            raise SqlError(
                "22007",
                f"data exception - invalid value for format; Value: '{text[:80]}'"
                f" Format: '{self.text[:80]}'",
            )
        names = [part.upper() for part, is_element in self.parts if is_element]
        try:
            return _combined(dict(zip(names, match.groups(), strict=True)))
        except (ValueError, OverflowError) as error:
            raise SqlError(
                "22007",
                f"data exception - invalid date value; Value: '{text[:80]}'"
                f" Format: '{self.text[:80]}'",
            ) from error


@lru_cache(maxsize=256)
def time_format(model: str) -> TimeFormat:
    """Read a model; :raises SqlError: 22007 for an element that is not known."""
    parts: list[tuple[str, bool]] = []
    place, upper = 0, model.upper()
    while place < len(model):
        if model[place] in _SEPARATORS:
            parts.append((model[place], False))
            place += 1
            continue
        name = next((name for name in _BY_LENGTH if upper.startswith(name, place)), None)
        if name is None:
            raise SqlError(
                "22007",
                f"data exception - invalid character in format; Format: '{model[:80]}'"
                f" Position: {place + 1}",
            )
        parts.append((model[place : place + len(name)], True))
        place += len(name)
    return TimeFormat(model, tuple(parts))


@lru_cache(maxsize=256)
def _pattern(form: TimeFormat) -> re.Pattern[str]:
    pieces = []
    for part, is_element in form.parts:
        if not is_element:
            pieces.append(re.escape(part))
        elif part.upper() in _READERS:
            pieces.append(f"({_READERS[part.upper()]})")
        else:
            raise SqlError(
                "22007", f"data exception - {part} cannot be read from a text; '{form.text[:80]}'"
            )
    return re.compile("".join(pieces), re.IGNORECASE | re.ASCII)


def _combined(found: dict[str, str]) -> datetime:
    day = _day_of(found)
    time = datetime(day.year, day.month, day.day)
    if "SSSSS" in found:
        seconds = int(found["SSSSS"])
        if seconds >= 86_400:
            raise ValueError("more seconds than a day has")
        return time + timedelta(seconds=seconds)
    hour = int(found.get("HH24", "0"))
    for name in ("HH12", "HH"):
        if name in found:
            hour = _hour_of_half_day(int(found[name]), found)
    fraction = next((found[name] for name in found if name.startswith("FF")), "")
    return time.replace(
        hour=hour,
        minute=int(found.get("MI", "0")),
        second=int(found.get("SS", "0")),
        microsecond=int(fraction.ljust(6, "0")[:6]),
    )


def _day_of(found: dict[str, str]) -> date:
    if "J" in found:
        return date.fromordinal(int(found["J"]) - _JULIAN)
    if "YYYY" not in found:
        raise ValueError("a year is missing")
    year = int(found["YYYY"])
    if "DDD" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["DDD"]) - 1)
        if day.year != year or found["DDD"].strip("0") == "":
            raise ValueError("a year has no such day")
        return day
    month = int(found.get("MM", "1"))
    if "MONTH" in found:
        month = _MONTHS.index(found["MONTH"].upper()) + 1
    if "MON" in found:
        month = [name[:3] for name in _MONTHS].index(found["MON"].upper()) + 1
    return date(year, month, int(found.get("DD", "1")))


def _hour_of_half_day(hour: int, found: dict[str, str]) -> int:
    if not 1 <= hour <= 12:
        raise ValueError("half a day has twelve hours")
    words = [found[name].upper() for name in ("AM", "PM", "A.M.", "P.M.") if name in found]
    is_afternoon = bool(words) and words[0].startswith("P")
    return hour % 12 + (12 if is_afternoon else 0)


def _cased(text: str, written: str) -> str:
    """A name in capitals, with one capital, or in small letters, as the model has its own name."""
    if written.upper() not in _NAMED:
        return text
    if written.islower():
        return text.lower()
    second = next((letter for letter in written[1:] if letter.isalpha()), "")
    return text.capitalize() if second.islower() else text
