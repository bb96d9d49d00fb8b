"""What a Lua script and the database say to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from exallm.local.exasol_type import ExasolType
from exallm.local.lua.script import LuaScript

LuaCell: TypeAlias = bool | int | float | Decimal | str
SqlValue: TypeAlias = LuaCell | date | datetime | None
LuaArgument: TypeAlias = SqlValue | Sequence[SqlValue]


@dataclass(frozen=True)
class QueryResult:
    """What a statement gave.

    :param columns: names, in order; empty where the statement has no result set.
    :param types: one a column; None where the engine does not say.
    :param rows: one tuple a row, one value a column.
    :param rows_affected: rows that the statement inserted, changed or deleted.
    :param statement_text: the statement as it ran.
    :param statement_id: its number in the session, where the engine counts.
    """

    columns: tuple[str, ...]
    types: tuple[ExasolType | None, ...]
    rows: Sequence[tuple[SqlValue, ...]]
    rows_affected: int
    statement_text: str
    statement_id: int | None = None

    def __post_init__(self) -> None:
        if len(self.columns) != len(self.types):
            raise ValueError(f"{len(self.columns)} columns, but {len(self.types)} types")


@dataclass(frozen=True)
class LuaOutcome:
    """What a script gave.

    :param output: the lines of ``output(...)``.
    :param columns: names of the result table, empty unless the script RETURNS TABLE.
    :param types: one a column; None where a statement gave the table and did not say.
    :param rows: the result table.
    :param rows_affected: what ``exit({rows_affected=n})`` says, otherwise 0.
    """

    output: tuple[str, ...]
    columns: tuple[str, ...]
    types: tuple[ExasolType | None, ...]
    rows: list[tuple[SqlValue, ...]]
    rows_affected: int


class LuaSession(Protocol):
    """The session that a script runs in."""

    @property
    def meta(self) -> Mapping[str, object]:
        """``exa.meta``: ``session_id``, ``current_user``, ``database_name`` and so on.

        ``script_schema``, ``script_name`` and ``script_code`` are the script's own and are set
        by the host.
        """

    def execute(self, sql: str) -> QueryResult:
        """Run one statement with the caller's rights.

        :raises SqlError: what the database says against it.
        """

    def script_text(self, schema_and_name: str) -> LuaScript:
        """The script that ``import`` names, as SQL would name it.

        :raises SqlError: there is none, or the caller may not use it.
        """

    def check_abort(self) -> None:
        """Called every 100,000 Lua instructions and before every statement.

        :raises SqlError: R0003 after an abort, R0001 after a timeout.
        """
