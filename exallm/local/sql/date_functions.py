"""Functions of dates and timestamps; where formats are taken, they are Exasol's."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.sql.function import Arguments, Builder, Function, same
from exallm.local.sql.kinds import (
    DAY,
    DOUBLE,
    TEXT,
    TIME,
    WHOLE,
    Kind,
    as_decimal,
    as_text,
    call,
    cast,
    is_text_literal,
    kind_of,
    mixed,
    typed,
)
from exallm.local.sql.refusal import refused
from exallm.local.sql.truncated_times import date_trunc

_POSIX = Kind("DECIMAL", 17, 3)
_SECONDS_DIGITS = 2


def _moved(name: str) -> Builder:
    """A time some days, weeks, months or years away, of the kind that went in."""

    def build(arguments: Arguments) -> exp.Expr:
        time, count = arguments
        kind = DAY if kind_of(time) == DAY else TIME
        moved = call(name, cast(time, "TIMESTAMP"), count)
        return typed(cast(moved, kind.name), kind)

    return build


def _moved_exactly(name: str) -> Builder:
    """A timestamp some hours, minutes or seconds away."""
    return lambda arguments: call(name, cast(arguments[0], "TIMESTAMP"), arguments[1])


def _between(name: str) -> Builder:
    return lambda arguments: call(name, *[cast(argument, "TIMESTAMP") for argument in arguments])


def _second(arguments: Arguments) -> exp.Expr:
    """The seconds of a minute, with so many digits after the point, cut off."""
    places = 0
    if len(arguments) > 1:
        digits = arguments[1].this.unnest()
        is_number = isinstance(digits, exp.Literal) and digits.this.isdecimal()
        if not is_number or int(digits.this) > 6:
            raise refused(62, "another precision of SECOND than a number from 0 to 6")
        places = int(digits.this)
    kind = Kind("DECIMAL", _SECONDS_DIGITS + places, places)
    return seconds_part(arguments[0], kind)


def seconds_part(node: exp.Expr, kind: Kind) -> exp.Expr:
    """The seconds of a time as a DECIMAL of this kind."""
    seconds = call("exallm_second", cast(node, "TIMESTAMP"), kind.scale)
    return as_decimal(seconds, kind)


def _to_char(arguments: Arguments) -> exp.Expr:
    if len(arguments) == 1:
        return as_text(arguments[0])
    value, model = arguments
    if is_text_literal(value):
        raise mixed("VARCHAR as an argument of TO_CHAR with a format")
    kind = kind_of(value)
    if kind in (DAY, TIME):
        return typed(call("exallm_time_text", cast(value, "TIMESTAMP"), as_text(model)), TEXT)
    if kind.is_number:
        return typed(call("exallm_number_text", as_text(value), as_text(model)), TEXT)
    if kind.name == "NULL":
        return as_text(value)
    raise mixed(f"{kind.name} as an argument of TO_CHAR with a format")


def _from_text(name: str) -> Builder:
    """TO_DATE and TO_TIMESTAMP."""

    def build(arguments: Arguments) -> exp.Expr:
        if len(arguments) == 1:
            return call(f"exallm_{name}", arguments[0])
        return call(f"exallm_{name}_by_format", *arguments)

    return build


def _posix_time(arguments: Arguments) -> exp.Expr:
    seconds = call("exallm_posix_time", cast(arguments[0], "TIMESTAMP"))
    return as_decimal(seconds, _POSIX)


def _convert_tz(arguments: Arguments) -> exp.Expr:
    if len(arguments) > 3:
        raise refused(62, "options of CONVERT_TZ")
    return call("exallm_convert_tz", cast(arguments[0], "TIMESTAMP"), *arguments[1:])


def _zone(_: Arguments) -> exp.Expr:
    """The only time zone that the engine has."""
    return cast(exp.Literal.string("UTC"), "VARCHAR")


DATES: dict[str, Function] = {
    "ADD_DAYS": Function("dn", _moved("exallm_add_days"), None),
    "ADD_HOURS": Function("dn", _moved_exactly("exallm_add_hours"), TIME),
    "ADD_MINUTES": Function("dn", _moved_exactly("exallm_add_minutes"), TIME),
    "ADD_MONTHS": Function("dn", _moved("exallm_add_months"), None),
    "ADD_SECONDS": Function("dn", _moved_exactly("exallm_add_seconds"), TIME),
    "ADD_WEEKS": Function("dn", _moved("exallm_add_weeks"), None),
    "ADD_YEARS": Function("dn", _moved("exallm_add_years"), None),
    "CONVERT_TZ": Function("dttt", _convert_tz, TIME, least=3),
    "DATE_TRUNC": Function("td", date_trunc, None),
    "DBTIMEZONE": Function("", _zone, TEXT),
    "FROM_POSIX_TIME": Function("n", same("exallm_from_posix_time"), TIME),
    "HOURS_BETWEEN": Function("dd", _between("exallm_hours_between"), DOUBLE),
    "LAST_DAY": Function("d", lambda a: call("last_day", a[0]), DAY),
    "MINUTES_BETWEEN": Function("dd", _between("exallm_minutes_between"), DOUBLE),
    "MONTHS_BETWEEN": Function("dd", _between("exallm_months_between"), DOUBLE),
    "POSIX_TIME": Function("d", _posix_time, None),
    "SECOND": Function("dw", _second, None, least=1),
    "SESSIONTIMEZONE": Function("", _zone, TEXT),
    "TO_CHAR": Function("vt", _to_char, None, least=1),
    "TO_DATE": Function("tt", _from_text("date"), DAY, least=1),
    "TO_TIMESTAMP": Function("tt", _from_text("timestamp"), TIME, least=1),
    "WEEK": Function("d", lambda a: call("date_part", "week", a[0]), WHOLE),
    "YEARS_BETWEEN": Function("dd", _between("exallm_years_between"), DOUBLE),
}
