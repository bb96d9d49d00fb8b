"""Exasol's data types, as script signatures, table columns and result sets name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

VARCHAR_LIMIT = 2_000_000
DECIMAL_LIMIT = 36

# Names that Exasol accepts for another type, with the type that it then stores.
_ALIASES = {
    "BIGINT": "DECIMAL(36,0)",
    "BOOL": "BOOLEAN",
    "CLOB": f"VARCHAR({VARCHAR_LIMIT})",
    "DEC": "DECIMAL(18,0)",
    "DECIMAL": "DECIMAL(18,0)",
    "DOUBLE": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE",
    "FLOAT": "DOUBLE",
    "INT": "DECIMAL(18,0)",
    "INTEGER": "DECIMAL(18,0)",
    "LONG VARCHAR": f"VARCHAR({VARCHAR_LIMIT})",
    "NUMBER": "DOUBLE",
    "NUMERIC": "DECIMAL(18,0)",
    "REAL": "DOUBLE",
    "SHORTINT": "DECIMAL(9,0)",
    "SMALLINT": "DECIMAL(9,0)",
    "TINYINT": "DECIMAL(3,0)",
}
_PARAMETRISED = re.compile(
    r"(VARCHAR2?|NVARCHAR2?|CHAR|DECIMAL|DEC|NUMERIC|NUMBER|TIMESTAMP)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)"
    r"(?:\s+(UTF8|ASCII))?"
)


@dataclass(frozen=True)
class ExasolType:
    """One data type.

    :param name: ``BOOLEAN``, ``DATE``, ``DECIMAL``, ``DOUBLE``, ``TIMESTAMP`` or ``VARCHAR``.
    :param precision: digits in all, of a ``DECIMAL``.
    :param scale: digits after the point, of a ``DECIMAL``.
    :param size: characters, of a ``VARCHAR``.
    """

    name: str
    precision: int = 0
    scale: int = 0
    size: int = 0

    @classmethod
    def parse(cls, text: str) -> ExasolType:
        """Read a type as SQL writes it; ``ValueError`` says what is wrong with it."""
        words = " ".join(text.upper().split())
        words = _ALIASES.get(words, words)
        if words in ("BOOLEAN", "DATE", "DOUBLE", "TIMESTAMP"):
            return cls(words)
        match = _PARAMETRISED.fullmatch(words)
        if match is None:
            raise ValueError(f"data type {words} is not supported")
        base, first, second = match[1], int(match[2]), int(match[3] or 0)
        if base == "CHAR":
            raise ValueError("data type CHAR is not supported (VARCHAR is)")
        if base == "TIMESTAMP":
            if first > 6:
                raise ValueError(f"TIMESTAMP({first}) is not supported (up to 6 digits are)")
            return cls("TIMESTAMP")
        if base.startswith(("VARCHAR", "NVARCHAR")):
            if not 1 <= first <= VARCHAR_LIMIT:
                raise ValueError(f"VARCHAR({first}) is outside 1 to {VARCHAR_LIMIT}")
            return cls("VARCHAR", size=first)
        if not 1 <= first <= DECIMAL_LIMIT or second > first:
            raise ValueError(f"DECIMAL({first},{second}) is outside DECIMAL({DECIMAL_LIMIT},0)")
        return cls("DECIMAL", precision=first, scale=second)

    def sql(self) -> str:
        """The type as Exasol spells it, ``DECIMAL(18,0)`` for one."""
        if self.name == "DECIMAL":
            return f"DECIMAL({self.precision},{self.scale})"
        if self.name == "VARCHAR":
            return f"VARCHAR({self.size}) UTF8"
        return self.name

    def duckdb(self) -> str:
        """The DuckDB type that holds its values."""
        return f"DECIMAL({self.precision},{self.scale})" if self.name == "DECIMAL" else self.name


@dataclass(frozen=True)
class Column:
    """A named column of a script's signature, of a table or of a result."""

    name: str
    type: ExasolType
