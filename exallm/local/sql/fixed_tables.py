"""Exasol's system tables whose rows are the same for everybody: types, words, zones, versions."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from exallm.local.product import DATABASE_NAME, DATABASE_VERSION
from exallm.local.sql.names import text_literal
from exallm.local.sql.reserved_words import RESERVED_WORDS

_TYPE_COLUMNS = """
TYPE_NAME TYPE_ID PRECISION LITERAL_PREFIX LITERAL_SUFFIX CREATE_PARAMS IS_NULLABLE CASE_SENSITIVE
SEARCHABLE UNSIGNED_ATTRIBUTE FIXED_PREC_SCALE AUTO_INCREMENT LOCAL_TYPE_NAME MINIMUM_SCALE
MAXIMUM_SCALE SQL_DATA_TYPE SQL_DATETIME_SUB NUM_PREC_RADIX INTERVAL_PRECISION
""".split()  # noqa: SIM905
# Name, number, precision, quotes, parameters, scales, base of the digits.
_TYPES: tuple[tuple[str, int, int, bool, str | None, tuple[int, int] | None, int | None], ...] = (
    ("BIGINT", -5, 36, False, None, (0, 0), 10),
    ("BOOLEAN", 16, 1, False, None, None, None),
    ("CHAR", 1, 2000, True, "length", None, None),
    ("DATE", 91, 10, True, None, None, None),
    ("DECIMAL", 3, 36, False, "precision,scale", (0, 36), 10),
    ("DOUBLE PRECISION", 8, 64, False, None, None, 2),
    ("FLOAT", 6, 64, False, None, None, 2),
    ("HASHTYPE", 126, 2048, True, "size", None, None),
    ("INTEGER", 4, 18, False, None, (0, 0), 10),
    ("INTERVAL DAY TO SECOND", 110, 29, True, "precision,fraction", None, None),
    ("INTERVAL YEAR TO MONTH", 107, 13, True, "precision", None, None),
    ("LONG VARCHAR", -1, 2_000_000, True, None, None, None),
    ("SMALLINT", 5, 9, False, None, (0, 0), 10),
    ("TIMESTAMP", 93, 29, True, "precision", None, None),
    ("TIMESTAMP WITH LOCAL TIME ZONE", 124, 29, True, "precision", None, None),
    ("TINYINT", -6, 3, False, None, (0, 0), 10),
    ("VARCHAR", 12, 2_000_000, True, "max length", None, None),
)


def literal(value: object) -> str:
    """A value in DuckDB's SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return text_literal(str(value))


def rows_of(columns: dict[str, str], rows: list[tuple[object, ...]]) -> str:
    """A DuckDB query that gives these rows; the columns by name with their DuckDB types."""
    casts = ", ".join(f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in columns.items())
    names = ", ".join(f'"{name}"' for name in columns)
    # Without rows there is one of NULLs, which a condition takes away.
    nulls: tuple[object, ...] = (None,) * len(columns)
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows or [nulls])
    condition = "" if rows else " WHERE FALSE"
    return f"SELECT {casts} FROM (VALUES {values}) AS R ({names}){condition}"


def _type_rows() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, number, precision, is_quoted, parameters, scales, base in _TYPES:
        quote = "'" if is_quoted else None
        is_text = "CHAR" in name
        low, high = scales or (None, None)
        rows.append(
            (
                *(name, number, precision, quote, quote, parameters, True, is_text, 3, False),
                *(False, False, name, low, high, None, None, base, None),
            )
        )
    return rows


_TYPE_KINDS = {
    **dict.fromkeys(_TYPE_COLUMNS, "DECIMAL(18,0)"),
    **dict.fromkeys(
        "TYPE_NAME LITERAL_PREFIX LITERAL_SUFFIX CREATE_PARAMS LOCAL_TYPE_NAME".split(),  # noqa: SIM905
        "VARCHAR",
    ),
    **dict.fromkeys(
        "IS_NULLABLE CASE_SENSITIVE UNSIGNED_ATTRIBUTE FIXED_PREC_SCALE AUTO_INCREMENT".split(),  # noqa: SIM905
        "BOOLEAN",
    ),
}
_FACTS = {
    "databaseName": DATABASE_NAME,
    "databaseProductName": "EXASolution",
    "databaseProductVersion": DATABASE_VERSION,
    "databaseMajorVersion": DATABASE_VERSION.split(".")[0],
    "databaseMinorVersion": DATABASE_VERSION.split(".")[1],
    "identifierQuoteString": '"',
    "maxColumnNameLength": "128",
    "maxIdentifierLength": "128",
    "timeZone": "UTC",
}
_VARCHAR, _WHOLE, _TIME, _REAL = "VARCHAR", "DECIMAL(18,0)", "TIMESTAMP", "DOUBLE"

SQL_TYPES = rows_of(_TYPE_KINDS, _type_rows())
KEYWORDS = rows_of(
    {"KEYWORD": _VARCHAR, "RESERVED": "BOOLEAN"}, [(word, True) for word in sorted(RESERVED_WORDS)]
)
METADATA = rows_of(
    {"PARAM_NAME": _VARCHAR, "PARAM_VALUE": _VARCHAR, "IS_STATIC": "BOOLEAN"},
    [(name, value, True) for name, value in _FACTS.items()],
)
# No statistics are gathered, so their tables are as empty as those of a new database.
STATISTICS = {
    "EXA_DB_SIZE_LAST_DAY": rows_of(
        {
            "CLUSTER_NAME": _VARCHAR,
            "MEASURE_TIME": _TIME,
            "RAW_OBJECT_SIZE": _REAL,
            "MEM_OBJECT_SIZE": _REAL,
            "AUXILIARY_SIZE": _REAL,
            "STATISTICS_SIZE": _REAL,
            "RECOMMENDED_DB_RAM_SIZE": _REAL,
            "STORAGE_SIZE": _REAL,
            "USE": _REAL,
            "TEMP_SIZE": _REAL,
            "OBJECT_COUNT": _WHOLE,
        },
        [],
    ),
    "EXA_SYSTEM_EVENTS": rows_of(
        {
            "CLUSTER_NAME": _VARCHAR,
            "MEASURE_TIME": _TIME,
            "EVENT_TYPE": _VARCHAR,
            "DBMS_VERSION": _VARCHAR,
            "NODES": _WHOLE,
            "DB_RAM_SIZE": _REAL,
            "PARAMETERS": _VARCHAR,
        },
        [],
    ),
    "EXA_USAGE_LAST_DAY": rows_of(
        {
            "CLUSTER_NAME": _VARCHAR,
            "MEASURE_TIME": _TIME,
            "USERS": _WHOLE,
            "QUERIES": _WHOLE,
        },
        [],
    ),
}


@cache
def time_zones() -> str:
    """EXA_TIME_ZONES, which takes long to gather: only where somebody asks for it."""
    names = sorted(available_timezones())
    return rows_of({"TIME_ZONE_NAME": _VARCHAR}, [(name.upper(),) for name in names])
