"""Exasol's data types, as script signatures, table columns and result sets name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

VARCHAR_LIMIT = 2_000_000
CHAR_LIMIT = 2_000
DECIMAL_LIMIT = 36
HASH_BYTES_LIMIT = 1_024
INTERVAL_LIMIT = 9
# DuckDB counts microseconds.
FRACTION_LIMIT = 6
LOCAL_TIME = "TIMESTAMP WITH LOCAL TIME ZONE"
YEAR_TO_MONTH = "INTERVAL YEAR TO MONTH"
DAY_TO_SECOND = "INTERVAL DAY TO SECOND"

# Names that Exasol accepts for another type, with the type that it then stores.
_ALIASES = {
    "BIGINT": "DECIMAL(36,0)",
    "BOOL": "BOOLEAN",
    "CHAR": "CHAR(1)",
    "CHARACTER": "CHAR(1)",
    "CLOB": f"VARCHAR({VARCHAR_LIMIT})",
    "DEC": "DECIMAL(18,0)",
    "DECIMAL": "DECIMAL(18,0)",
    "DOUBLE": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE",
    "FLOAT": "DOUBLE",
    "HASHTYPE": "HASHTYPE(16 BYTE)",
    "INT": "DECIMAL(18,0)",
    "INTEGER": "DECIMAL(18,0)",
    "LONG VARCHAR": f"VARCHAR({VARCHAR_LIMIT})",
    "NCHAR": "CHAR(1)",
    "NUMBER": "DOUBLE",
    "NUMERIC": "DECIMAL(18,0)",
    "REAL": "DOUBLE",
    "SHORTINT": "DECIMAL(9,0)",
    "SMALLINT": "DECIMAL(9,0)",
    "TINYINT": "DECIMAL(3,0)",
}
_TEXT = re.compile(r"(N?VARCHAR2?|N?CHAR|CHARACTER)\s*\(\s*(\d+)\s*\)(?:\s+(UTF8|ASCII))?")
_NUMBER = re.compile(r"(?:DECIMAL|DEC|NUMERIC|NUMBER)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_HASH = re.compile(r"HASHTYPE\s*\(\s*(\d+)\s*(BYTE|BIT)?\s*\)")
_TIME = re.compile(r"TIMESTAMP\s*(?:\(\s*(\d+)\s*\))?\s*(WITH LOCAL TIME ZONE)?")
_YEARS = re.compile(r"INTERVAL YEAR\s*(?:\(\s*(\d+)\s*\))?\s*TO MONTH")
_DAYS = re.compile(r"INTERVAL DAY\s*(?:\(\s*(\d+)\s*\))?\s*TO SECOND\s*(?:\(\s*(\d+)\s*\))?")


@dataclass(frozen=True)
class ExasolType:
    """One data type.

    :param name: ``BOOLEAN``, ``CHAR``, ``DATE``, ``DECIMAL``, ``DOUBLE``, ``HASHTYPE``,
        ``INTERVAL DAY TO SECOND``, ``INTERVAL YEAR TO MONTH``, ``TIMESTAMP``,
        ``TIMESTAMP WITH LOCAL TIME ZONE`` or ``VARCHAR``.
    :param precision: digits in all, of a ``DECIMAL``; of the days or years of an ``INTERVAL``.
    :param scale: digits after the point, of a ``DECIMAL``.
    :param size: characters, of a ``CHAR`` or ``VARCHAR``; bytes, of a ``HASHTYPE``.
    :param fraction: digits of a fraction of a second.
    :param character_set: ``UTF8`` or ``ASCII``, of a ``CHAR`` or ``VARCHAR``.
    """

    name: str
    precision: int = 0
    scale: int = 0
    size: int = 0
    fraction: int = 3
    character_set: str = "UTF8"

    @classmethod
    def parse(cls, text: str) -> ExasolType:
        """Read a type as SQL writes it; ``ValueError`` says what is wrong with it."""
        words = " ".join(text.upper().split())
        words = _ALIASES.get(words, words)
        if words in ("BOOLEAN", "DATE", "DOUBLE"):
            return cls(words)
        if match := _TEXT.fullmatch(words):
            return _text(match[1], int(match[2]), match[3] or "UTF8")
        if match := _NUMBER.fullmatch(words):
            return _number(int(match[1]), int(match[2] or 0))
        if match := _HASH.fullmatch(words):
            return _hash(int(match[1]), match[2] or "BYTE")
        if match := _TIME.fullmatch(words):
            name = LOCAL_TIME if match[2] else "TIMESTAMP"
            return cls(name, fraction=_fraction(words, match[1]))
        if match := _YEARS.fullmatch(words):
            return cls(YEAR_TO_MONTH, precision=_leading(words, match[1]))
        if match := _DAYS.fullmatch(words):
            precision = _leading(words, match[1])
            return cls(DAY_TO_SECOND, precision=precision, fraction=_fraction(words, match[2]))
        raise ValueError(f"data type {words} is not supported")

    @property
    def is_text(self) -> bool:
        """Whether its values are texts in SQL."""
        return self.name in ("CHAR", "VARCHAR")

    @property
    def is_interval(self) -> bool:
        """Whether its values are kept as a number of months or of microseconds."""
        return self.name in (YEAR_TO_MONTH, DAY_TO_SECOND)

    def sql(self) -> str:
        """The type as Exasol spells it, ``DECIMAL(18,0)`` for one."""
        match self.name:
            case "DECIMAL":
                return f"DECIMAL({self.precision},{self.scale})"
            case "CHAR" | "VARCHAR":
                return f"{self.name}({self.size}) {self.character_set}"
            case "HASHTYPE":
                return f"HASHTYPE({self.size} BYTE)"
            case "TIMESTAMP":
                return f"TIMESTAMP({self.fraction})"
            case "TIMESTAMP WITH LOCAL TIME ZONE":
                return f"TIMESTAMP({self.fraction}) WITH LOCAL TIME ZONE"
            case "INTERVAL YEAR TO MONTH":
                return f"INTERVAL YEAR({self.precision}) TO MONTH"
            case "INTERVAL DAY TO SECOND":
                return f"INTERVAL DAY({self.precision}) TO SECOND({self.fraction})"
        return self.name

    def duckdb(self) -> str:
        """The DuckDB type that holds its values."""
        match self.name:
            case "DECIMAL":
                return f"DECIMAL({self.precision},{self.scale})"
            case "CHAR" | "HASHTYPE":
                return "VARCHAR"
            case "TIMESTAMP WITH LOCAL TIME ZONE":
                return "TIMESTAMP"  # the session's time zone is UTC
        return "BIGINT" if self.is_interval else self.name


@dataclass(frozen=True)
class Column:
    """A named column of a script's signature, of a table or of a result."""

    name: str
    type: ExasolType


def parse_script_type(text: str) -> ExasolType:
    """Read a type of a script's signature; ``ValueError`` as :meth:`ExasolType.parse`."""
    type_ = ExasolType.parse(text)
    if type_.name in ("CHAR", "HASHTYPE", LOCAL_TIME) or type_.is_interval:
        raise ValueError(f"data type {type_.name} is not supported in scripts (VARCHAR is)")
    return type_


def _text(written: str, size: int, character_set: str) -> ExasolType:
    name = "VARCHAR" if "VARCHAR" in written else "CHAR"
    limit = VARCHAR_LIMIT if name == "VARCHAR" else CHAR_LIMIT
    if not 1 <= size <= limit:
        raise ValueError(f"{name}({size}) is outside 1 to {limit}")
    return ExasolType(name, size=size, character_set=character_set)


def _number(precision: int, scale: int) -> ExasolType:
    if not 1 <= precision <= DECIMAL_LIMIT or scale > precision:
        raise ValueError(f"DECIMAL({precision},{scale}) is outside DECIMAL({DECIMAL_LIMIT},0)")
    return ExasolType("DECIMAL", precision=precision, scale=scale)


def _hash(size: int, unit: str) -> ExasolType:
    if unit == "BIT" and size % 8:
        raise ValueError(f"HASHTYPE({size} BIT) has a broken byte")
    size = size // 8 if unit == "BIT" else size
    if not 1 <= size <= HASH_BYTES_LIMIT:
        raise ValueError(f"HASHTYPE({size} BYTE) is outside 1 to {HASH_BYTES_LIMIT}")
    return ExasolType("HASHTYPE", size=size)


def _fraction(words: str, digits: str | None) -> int:
    fraction = int(digits) if digits is not None else 3
    if fraction > FRACTION_LIMIT:
        limit = f"up to {FRACTION_LIMIT} digits of a second are"
        raise ValueError(f"data type {words} is not supported ({limit})")
    return fraction


def _leading(words: str, digits: str | None) -> int:
    precision = int(digits) if digits is not None else 2
    if not 1 <= precision <= INTERVAL_LIMIT:
        raise ValueError(f"the precision of {words} is outside 1 to {INTERVAL_LIMIT}")
    return precision
