"""A table as DuckDB has to have it: columns, defaults, and what holds between rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm.local.exasol_type import ExasolType
from exallm.local.sql.names import quoted, stored, table_sql

_SEQUENCE = re.compile(r"nextval\('(.*)'\)", re.DOTALL)


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    :param default: DuckDB expression, None where there is none.
    """

    name: str
    type: ExasolType
    default: str | None = None
    not_null: bool = False

    def sequence(self) -> str | None:
        """The DuckDB sequence from which an IDENTITY column takes its numbers."""
        return sequence_of(self.default)

    def sql(self) -> str:
        """The column as CREATE TABLE takes it."""
        name = quoted(stored(self.name))
        parts = [name, self.type.duckdb()]
        if self.not_null:
            parts.append("NOT NULL")
        if self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if self.type.name == "VARCHAR":
            # Whatever writes rows, no text is too long. A failed check becomes Exasol's error.
            parts.append(f"CHECK (length({name}) <= {self.type.size})")
        return " ".join(parts)


@dataclass(frozen=True)
class TableDefinition:
    """All of a table but its name.

    :param foreign_keys: constraints as CREATE TABLE takes them.
    """

    columns: tuple[TableColumn, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    def statements(self, schema: str, name: str) -> list[str]:
        """What creates the table.

        Where DuckDB's own types say less than the columns', a comment of DuckDB's keeps them.
        """
        parts = [column.sql() for column in self.columns]
        if self.primary_key:
            parts.append(f"PRIMARY KEY ({column_list(self.primary_key)})")
        parts.extend(self.foreign_keys)
        table = table_sql(schema, name)
        declarations = [
            f"COMMENT ON COLUMN {table}.{quoted(stored(column.name))} IS '{column.type.sql()}'"
            for column in self.columns
            if column.type.sql() != column.type.duckdb()
        ]
        return [f"CREATE TABLE {table} ({', '.join(parts)})", *declarations]


def column_list(names: tuple[str, ...]) -> str:
    """Columns with commas between them, in DuckDB's SQL."""
    return ", ".join(quoted(stored(name)) for name in names)


def sequence_of(default: str | None) -> str | None:
    """The DuckDB sequence whose next number a default is, None for another default."""
    match = _SEQUENCE.fullmatch(default or "")
    return match[1].replace("''", "'") if match else None
