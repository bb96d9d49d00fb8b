"""Lua scripts: what ``query`` and ``exa.meta`` of a script reach in the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from exallm.local.engine.result import Result, ResultSet, RowCount, arrow_schema
from exallm.local.exasol_type import VARCHAR_LIMIT, Column, ExasolType
from exallm.local.lua.host import run_lua_script
from exallm.local.lua.script import LuaScript
from exallm.local.lua.session import LuaOutcome, QueryResult
from exallm.local.product import DATABASE_NAME, DATABASE_VERSION

_OUTPUT = (Column("OUTPUT", ExasolType("VARCHAR", size=VARCHAR_LIMIT)),)


class ScriptSession:
    """One running Lua script's view of its session (``LuaSession`` of the Lua host)."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self.meta: Mapping[str, object] = {
            "database_name": DATABASE_NAME,
            "database_version": DATABASE_VERSION,
            "node_count": 1,
            **runner.meta(),
        }

    def execute(self, sql: str) -> QueryResult:
        """Run a statement in the script's transaction."""
        result = self._runner.execute(sql)
        if isinstance(result, RowCount):
            return QueryResult((), (), [], result.rows, sql)
        columns = result.columns
        rows = list(zip(*(column.to_pylist() for column in result.table.columns), strict=True))
        return QueryResult(
            tuple(column.name for column in columns),
            tuple(column.type for column in columns),
            rows,
            len(rows),
            sql,
        )

    def script_text(self, name: str) -> LuaScript:
        """Another Lua script, for ``import``."""
        return self._runner.find(name)

    def check_abort(self) -> None:
        """:raises SqlError: R0001 or R0003 where the statement is to end."""
        self._runner.check_abort()


class ScriptRunner:
    """Runs Lua scripts for a session.

    :param execute: runs a statement within the transaction that is open.
    :param meta: facts of the session and statement for ``exa.meta``.
    :param find: a Lua script by ``SCHEMA.NAME``.
    :param check_abort: raises where the statement is to end.
    """

    def __init__(
        self,
        execute: Callable[[str], Result],
        meta: Callable[[], Mapping[str, object]],
        find: Callable[[str], LuaScript],
        check_abort: Callable[[], None],
    ) -> None:
        self.execute = execute
        self.meta = meta
        self.find = find
        self.check_abort = check_abort

    def run(self, script: LuaScript, arguments: Sequence[Any], with_output: bool) -> Result:
        """The result of ``EXECUTE SCRIPT``."""
        outcome = run_lua_script(script, arguments, ScriptSession(self))
        if with_output:
            return _rows(_OUTPUT, [(line,) for line in outcome.output])
        if outcome.columns:
            return _rows(_typed(outcome), outcome.rows)
        return RowCount(outcome.rows_affected)


def _typed(outcome: LuaOutcome) -> tuple[Column, ...]:
    """The columns of a script's table; one whose type no statement said is text."""
    text = _OUTPUT[0].type
    return tuple(
        Column(name, type_ or text)
        for name, type_ in zip(outcome.columns, outcome.types, strict=True)
    )


def _rows(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> ResultSet:
    schema = arrow_schema(tuple(columns))
    arrays = [
        pa.array([row[number] for row in rows], field.type) for number, field in enumerate(schema)
    ]
    return ResultSet(tuple(columns), pa.Table.from_arrays(arrays, schema=schema))
