"""What the translation of a statement has to know of the world around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.session_facts import SessionFacts
from exallm.local.sql.kinds import DAY, TEXT, TIME, Kind, cast, null, typed
from exallm.local.sql.parameters import Parameters
from exallm.local.sql.rights import Rights
from exallm.local.sql.table_definition import TableDefinition
from exallm.local.udf.script import UdfScript


@dataclass(frozen=True)
class View:
    """A view as it was written.

    :param query: text of its query, in Exasol's SQL.
    :param columns: its own column names, empty where it takes those of the query.
    :param current_schema: the open schema when it was created: names in the query resolve there.
    :param owner: of its schema: the query runs with the owner's rights.
    """

    schema: str
    name: str
    query: str
    columns: tuple[str, ...]
    current_schema: str | None
    owner: str


@dataclass(frozen=True)
class EmittingCall:
    """A call that emits rows, with the query for what goes in.

    :param script: the script, SCALAR or SET, with EMITS.
    :param outputs: the columns of ``EMITS (...)`` in the SELECT, None where there are none.
    :param query: DuckDB query; its columns are first the passed ones, then the keys, then the
        arguments.
    :param passed: number of columns that go along with each emitted row (SCALAR only).
    :param keys: number of columns by which rows are grouped (SET only); rows arrive sorted by them.
    :param arguments: number of arguments; for none the query has one column that means nothing.
    :param scope_user: whose rights hold where the call stands.
    """

    script: UdfScript
    outputs: tuple[Column, ...] | None
    query: str
    passed: int
    keys: int
    arguments: int
    scope_user: str


class Catalog(Protocol):
    """The objects that names in a statement may mean."""

    def script(self, schema: str, name: str) -> UdfScript | None:
        """The UDF script of this name, or None."""

    def view(self, schema: str, name: str) -> View | None:
        """The view of this name, or None."""

    def has_schema(self, name: str) -> bool:
        """Whether there is a schema of this name."""

    def columns(self, schema: str, name: str) -> tuple[Column, ...] | None:
        """The columns of a table, None where there is no such table."""

    def definition(self, schema: str, name: str) -> TableDefinition | None:
        """All of a table, None where there is no such table."""

    def described(self, query: str) -> Sequence[Column]:
        """The columns that a DuckDB query gives, without running it."""


class UdfCalls(Protocol):
    """Where the calls of a statement are kept until it ends."""

    def add(self, script: UdfScript, scope_user: str) -> int:
        """Register a call that returns values; its number is what DuckDB hands back.

        :param scope_user: whose rights hold where the call stands: a view's owner inside a view.
        """

    def emitted(self, emitting: EmittingCall) -> tuple[str, tuple[Column, ...]]:
        """Run a call that emits rows.

        :returns: the DuckDB relation that holds the passed and the emitted columns, and the
            emitted ones with their types.
        """


@dataclass(frozen=True)
class Scope:
    """The surroundings of one statement.

    :param current_schema: the open schema, None where none is open.
    :param user: name of the session's user, upper case.
    :param rights: what is checked here: the session's, or those of the owner inside a view.
    :param rights_of: the rights of any user or role.
    :param session_id: as CURRENT_SESSION gives it.
    :param statement_id: as CURRENT_STATEMENT gives it.
    :param started_at: the statement's start in UTC: every CURRENT_TIMESTAMP of it.
    :param sessions: the sessions that are open now.
    :param parameters: what stands for the markers of a prepared statement, None for another one.
    """

    catalog: Catalog
    calls: UdfCalls
    current_schema: str | None
    user: str
    rights: Rights
    rights_of: Callable[[str], Rights]
    session_id: int
    statement_id: int
    started_at: datetime
    sessions: Callable[[], Sequence[SessionFacts]]
    parameters: Parameters | None = None

    def inside(self, view: View) -> Scope:
        """The surroundings of a view's query: its owner's rights, and names as at its creation."""
        rights = self.rights_of(view.owner)
        if view.owner not in self.rights.grantees:
            rights = replace(rights, lent_to=self.rights.user)
        schema = view.current_schema
        return replace(self, current_schema=schema, rights=rights, parameters=None)

    def constant(self, name: str) -> exp.Expr | None:
        """The value of a constant that is written without parentheses, None for another name."""
        match name:
            case "CURRENT_USER" | "USER":
                return typed(cast(exp.Literal.string(self.user), "VARCHAR"), TEXT)
            case "CURRENT_SCHEMA" if self.current_schema is None:
                return null()
            case "CURRENT_SCHEMA":
                return typed(cast(exp.Literal.string(self.current_schema), "VARCHAR"), TEXT)
            case "CURRENT_SESSION":
                return typed(exp.Literal.number(self.session_id), Kind("DECIMAL", 20))
            case "CURRENT_STATEMENT":
                return typed(exp.Literal.number(self.statement_id), Kind("DECIMAL", 18))
            case "CURRENT_DATE" | "SYSDATE":
                return typed(cast(self._now("%Y-%m-%d"), "DATE"), DAY)
            case "CURRENT_TIMESTAMP" | "SYSTIMESTAMP" | "LOCALTIMESTAMP":
                return typed(cast(self._now("%Y-%m-%d %H:%M:%S.%f"), "TIMESTAMP"), TIME)
        return None

    def _now(self, form: str) -> exp.Expr:
        return exp.Literal.string(self.started_at.strftime(form))
