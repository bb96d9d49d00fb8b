"""The name of a table, as a caller writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm_udfs.errors import ExallmError

IDENTIFIER_LIMIT = 128
_PART = r'[A-Za-z][A-Za-z0-9_]*|"(?:[^"]|"")+"'
_NAME = re.compile(rf"(?:({_PART})\.)?({_PART})")


@dataclass(frozen=True)
class TableName:
    """Schema and name as SQL stores them; without a schema, the open one is meant."""

    schema: str | None
    name: str

    def __post_init__(self) -> None:
        for part in (self.schema, self.name):
            if part is not None and not 1 <= len(part) <= IDENTIFIER_LIMIT:
                raise ValueError("an identifier has 1 to 128 characters")

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Read ``sales.answers`` or ``"Sales"."Answers"``: what is not quoted is upper case.

        Raises E-EXALLM-SQL-14 on anything else.
        """
        found = _NAME.fullmatch(text)
        try:
            if found is None:
                raise ValueError("no name")
            return cls(None if found[1] is None else _stored(found[1]), _stored(found[2]))
        except ValueError:
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            raise ExallmError(
                "E-EXALLM-SQL-14",
                f"{shown!r} is not the name of a table",
                "write SCHEMA.NAME, in double quotes where it is not plain upper case",
            ) from None


def _stored(part: str) -> str:
    if part.startswith('"'):
        return part[1:-1].replace('""', '"')
    return part.upper()
