"""DuckDB macros: what Exasol's functions of time do, in terms of DuckDB's own functions.

Every ``t`` is a TIMESTAMP. Counts of days, hours and so on are rounded to whole ones, as Exasol
rounds them; seconds may have fractions.
"""

from __future__ import annotations

import duckdb

_DAY = "date_trunc('day', t)"
_MONTH = "date_trunc('month', t)"
_QUARTER = "date_trunc('quarter', t)"
_ISO_YEAR = "date_trunc('week', make_timestamp(date_part('isoyear', t)::BIGINT, 1, 4, 0, 0, 0))"
_SECONDS = "((epoch_us(a) - epoch_us(b)) / 1e6)"
_LAST_DAYS = "last_day(a) = a::DATE AND last_day(b) = b::DATE"

_MACROS = {
    # moving
    "exallm_add_days(t, n)": "t + to_days(n::INTEGER)",
    "exallm_add_weeks(t, n)": "t + to_days(7 * n::INTEGER)",
    "exallm_add_years(t, n)": "t + to_years(n::INTEGER)",
    # From the last day of a month, months lead to the last day of another.
    "exallm_add_months(t, n)": (
        "CASE WHEN last_day(t) = t::DATE"
        f" THEN last_day(t + to_months(n::INTEGER))::TIMESTAMP + (t - {_DAY})"
        " ELSE t + to_months(n::INTEGER) END"
    ),
    "exallm_add_hours(t, n)": "t + to_hours(n::BIGINT)",
    "exallm_add_minutes(t, n)": "t + to_minutes(n::BIGINT)",
    "exallm_add_seconds(t, n)": "t + to_microseconds((n::DECIMAL(24,6) * 1000000)::BIGINT)",
    "exallm_from_posix_time(n)": "make_timestamp((n::DECIMAL(24,6) * 1000000)::BIGINT)",
    # measuring
    "exallm_hours_between(a, b)": f"{_SECONDS} / 3600",
    "exallm_minutes_between(a, b)": f"{_SECONDS} / 60",
    # Whole between equal days of a month and between last days, else a part of 31 days.
    "exallm_months_between(a, b)": (
        "((year(a) - year(b)) * 12 + month(a) - month(b)"
        f" + CASE WHEN day(a) = day(b) OR ({_LAST_DAYS}) THEN 0::DOUBLE ELSE"
        " (epoch_us(a) - epoch_us(date_trunc('month', a))"
        " - epoch_us(b) + epoch_us(date_trunc('month', b))) / 86400e6 / 31 END)::DOUBLE"
    ),
    "exallm_years_between(a, b)": "exallm_months_between(a, b) / 12",
    "exallm_posix_time(t)": "epoch_ms(t)::DECIMAL(17,0) / 1000",
    "exallm_second(t, digits)": (
        "floor(date_part('microsecond', t) / power(10, 6 - digits)) / power(10, digits)"
    ),
    # beginnings of periods
    "exallm_trunc_year(t)": "date_trunc('year', t)",
    "exallm_trunc_isoyear(t)": _ISO_YEAR,
    "exallm_trunc_quarter(t)": _QUARTER,
    "exallm_trunc_month(t)": _MONTH,
    "exallm_trunc_weekofyear(t)": f"{_DAY} - to_days(((dayofyear(t) - 1) % 7)::INTEGER)",
    "exallm_trunc_week(t)": "date_trunc('week', t)",
    "exallm_trunc_weekofmonth(t)": f"{_DAY} - to_days(((day(t) - 1) % 7)::INTEGER)",
    "exallm_trunc_day(t)": _DAY,
    "exallm_trunc_sunday(t)": f"{_DAY} - to_days(dayofweek(t)::INTEGER)",
    "exallm_trunc_hour(t)": "date_trunc('hour', t)",
    "exallm_trunc_minute(t)": "date_trunc('minute', t)",
    "exallm_trunc_second(t)": "date_trunc('second', t)",
    # nearest beginnings
    "exallm_round_year(t)": "date_trunc('year', t + to_months(6))",
    "exallm_round_quarter(t)": (
        f"CASE WHEN t >= {_QUARTER} + to_months(1) + to_days(15)"
        f" THEN {_QUARTER} + to_months(3) ELSE {_QUARTER} END"
    ),
    "exallm_round_month(t)": (
        f"CASE WHEN day(t) >= 16 THEN {_MONTH} + to_months(1) ELSE {_MONTH} END"
    ),
    "exallm_round_day(t)": "date_trunc('day', t + to_hours(12))",
    "exallm_round_hour(t)": "date_trunc('hour', t + to_minutes(30))",
    "exallm_round_minute(t)": "date_trunc('minute', t + to_seconds(30))",
    "exallm_round_second(t)": "date_trunc('second', t + to_milliseconds(500))",
}


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros known to every connection of the database."""
    connection.begin()  # a commit of each would take longer than all the rest
    for signature, body in _MACROS.items():
        connection.execute(f"CREATE OR REPLACE MACRO {signature} AS {body}")
    connection.commit()
