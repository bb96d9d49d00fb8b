"""TRUNC, ROUND and DATE_TRUNC of dates and timestamps."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from exallm.local.sql.function import Arguments
from exallm.local.sql.kinds import DAY, call, cast, is_text_literal, kind_of, typed
from exallm.local.sql.refusal import refused

_UNITS = {
    "year": ("YYYY", "SYYYY", "YEAR", "SYEAR", "YYY", "YY", "Y"),
    "isoyear": ("IYYY", "IYY", "IY", "I"),
    "quarter": ("Q",),
    "month": ("MONTH", "MON", "MM", "RM"),
    "weekofyear": ("WW",),
    "week": ("IW",),
    "weekofmonth": ("W",),
    "day": ("DDD", "DD", "J"),
    "sunday": ("DAY", "DY", "D"),
    "hour": ("HH", "HH12", "HH24"),
    "minute": ("MI",),
    "second": ("SS",),
}
_BY_FORMAT = {form: unit for unit, forms in _UNITS.items() for form in forms}
_ROUNDED = ("year", "quarter", "month", "day", "hour", "minute", "second")
_TRUNCATED = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_BY_NAME = {unit: unit for unit in _TRUNCATED}


def truncated_time(arguments: Arguments) -> exp.Expr:
    """``TRUNC(time [, format])``: the beginning of the period; weeks of DAY begin on Sunday."""
    unit = _unit(arguments, "TRUNC", _BY_FORMAT)
    return _of_kind(call(f"exallm_trunc_{unit}", _time(arguments[0])), arguments[0])


def rounded_time(arguments: Arguments) -> exp.Expr:
    """``ROUND(time [, format])``: the beginning of the nearest period."""
    unit = _unit(arguments, "ROUND", _BY_FORMAT)
    if unit not in _ROUNDED:
        raise refused(62, f"ROUND of a time to '{arguments[1].name}'")
    return _of_kind(call(f"exallm_round_{unit}", _time(arguments[0])), arguments[0])


def date_trunc(arguments: Arguments) -> exp.Expr:
    """``DATE_TRUNC('unit', time)``."""
    unit = _unit([arguments[1], arguments[0]], "DATE_TRUNC", _BY_NAME)
    return _of_kind(call(f"exallm_trunc_{unit}", _time(arguments[1])), arguments[1])


def _time(node: exp.Expr) -> exp.Expr:
    return cast(node, "TIMESTAMP")


def _unit(arguments: Arguments, name: str, units: Mapping[str, str]) -> str:
    if len(arguments) < 2:
        return "day"
    model = arguments[1]
    if not is_text_literal(model):
        raise refused(62, f"a format of {name} that is no text in the statement")
    written = model.name.lower() if units is _BY_NAME else model.name.upper()
    if written not in units:
        raise refused(62, f"{name} with '{model.name[:40]}'")
    return units[written]


def _of_kind(node: exp.Expr, source: exp.Expr) -> exp.Expr:
    """A result of the kind of what went in."""
    kind = kind_of(source)
    return typed(cast(node, "DATE") if kind == DAY else node, kind)
