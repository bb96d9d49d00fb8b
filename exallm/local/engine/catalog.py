"""Schemas, scripts, views, connections, parameters and comments, as rows in DuckDB.

They live in tables, so what a transaction changes in them ends with it, as Exasol's DDL does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import duckdb

from exallm.local.lua.script import LuaScript, parse_lua_script
from exallm.local.sql.definitions import quoted
from exallm.local.sql.scope import View
from exallm.local.sql.statements import CreateConnection, CreateView, DropObject
from exallm.local.sql_error import SqlError
from exallm.local.udf.connection import Connection
from exallm.local.udf.script import UdfScript, parse_udf_script

_UDF, _SCRIPTING = "UDF", "SCRIPTING"


class Catalog:
    """The catalogue as one session's transaction sees it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    # --- looking up ----------------------------------------------------------------------------

    def has_schema(self, name: str) -> bool:
        """Whether there is a schema of this name."""
        return self._row("SELECT 1 FROM _exallm.schemas WHERE name = ?", name) is not None

    def has_table(self, schema: str, name: str) -> bool:
        """Whether there is a table of this name."""
        sql = (
            "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()"
            " AND schema_name = ? AND table_name = ?"
        )
        return self._row(sql, schema, name) is not None

    def script(self, schema: str, name: str) -> UdfScript | None:
        """The UDF script of this name, or None."""
        text = self._script_text(_UDF, schema, name)
        return _udf(text, schema) if text is not None else None

    def lua_script(self, schema: str, name: str) -> LuaScript | None:
        """The Lua script of this name, or None."""
        text = self._script_text(_SCRIPTING, schema, name)
        return parse_lua_script(text, schema) if text is not None else None

    def view(self, schema: str, name: str) -> View | None:
        """The view of this name, or None."""
        row = self._row(
            "SELECT query, columns, current_schema FROM _exallm.views"
            " WHERE schema_name = ? AND name = ?",
            schema,
            name,
        )
        return View(schema, name, row[0], tuple(row[1]), row[2]) if row else None

    def script_bodies(self) -> Mapping[str, str]:
        """``SCHEMA.NAME`` to the body of every UDF script, for ``exa.import_script``."""
        rows = self._connection.execute(
            "SELECT schema_name, name, statement FROM _exallm.scripts WHERE kind = 'UDF'"
        ).fetchall()
        return {f"{schema}.{name}": _udf(text, schema).body for schema, name, text in rows}

    def connections(self) -> Mapping[str, Connection]:
        """Every CONNECTION by name, for ``exa.get_connection``."""
        rows = self._connection.execute(
            "SELECT name, address, user_name, password FROM _exallm.connections"
        ).fetchall()
        return {
            name: Connection("password", address, user, password)
            for name, address, user, password in rows
        }

    def language_url(self, alias: str) -> str | None:
        """What SCRIPT_LANGUAGES of the session says about an alias, None where it is not there."""
        for entry in self.parameter("SCRIPT_LANGUAGES").split():
            name, _, url = entry.partition("=")
            if name.upper() == alias:
                return url
        return None

    def parameter(self, name: str) -> str:
        """A parameter's value in this session; :raises SqlError: 42000 for an unknown one."""
        row = self._row(
            "SELECT coalesce(s.value, p.value) FROM _exallm.parameters p"
            " LEFT JOIN exallm_session_parameters s ON s.name = p.name WHERE p.name = ?",
            name,
        )
        if row is None:
            raise SqlError("42000", f"unknown parameter {name}")
        return str(row[0])

    # --- changing ------------------------------------------------------------------------------

    def create_schema(self, name: str, owner: str, if_not_exists: bool) -> None:
        """``CREATE SCHEMA``."""
        if self.has_schema(name):
            if if_not_exists:
                return
            raise SqlError("42000", f"schema {name} already exists")
        if name.lower() in ("_exallm", "main", "temp", "pg_catalog", "information_schema", "sys"):
            raise SqlError("42000", f"schema name {name} is reserved")
        self._connection.execute(f"CREATE SCHEMA {quoted(name)}")
        self._connection.execute("INSERT INTO _exallm.schemas VALUES (?, ?, NULL)", [name, owner])

    def create_script(self, script: UdfScript | LuaScript, replace: bool) -> None:
        """``CREATE [OR REPLACE] SCRIPT``."""
        self._require_schema(script.schema)
        if isinstance(script, UdfScript):
            if self.language_url(script.language) is None:
                raise SqlError("42000", f"script language {script.language} is not available")
            described: list[str | None] = [_UDF, script.language, script.kind, script.output]
        else:
            described = [_SCRIPTING, "LUA", None, script.returns]
        self._replace("scripts", "script", script.schema, script.name, replace)
        self._connection.execute(
            "INSERT INTO _exallm.scripts VALUES (?, ?, ?, ?, ?, ?, ?)",
            [script.schema, script.name, *described, script.source],
        )

    def create_view(self, schema: str, view: CreateView, current_schema: str | None) -> None:
        """``CREATE [OR REPLACE] VIEW``."""
        self._require_schema(schema)
        name = view.name.name
        if self.has_table(schema, name):
            raise SqlError("42000", f"object {schema}.{name} already exists as a table")
        self._replace("views", "view", schema, name, view.replace)
        self._connection.execute(
            "INSERT INTO _exallm.views VALUES (?, ?, ?, ?, ?, ?)",
            [schema, name, view.statement, view.query, list(view.columns), current_schema],
        )
        self.comment("VIEW", schema, name, view.comment)

    def create_connection(self, connection: CreateConnection) -> None:
        """``CREATE [OR REPLACE] CONNECTION``."""
        exists = self._row("SELECT 1 FROM _exallm.connections WHERE name = ?", connection.name)
        if exists and not connection.replace:
            raise SqlError("42000", f"connection {connection.name} already exists")
        self._connection.execute(
            "DELETE FROM _exallm.connections WHERE name = ?", [connection.name]
        )
        self._connection.execute(
            "INSERT INTO _exallm.connections VALUES (?, ?, ?, ?, NULL)",
            [connection.name, connection.address, connection.user, connection.password],
        )

    def set_parameter(self, scope: str, name: str, value: str) -> None:
        """``ALTER SESSION`` or ``ALTER SYSTEM SET``."""
        self.parameter(name)
        if scope == "SYSTEM":
            self._connection.execute(
                "UPDATE _exallm.parameters SET value = ? WHERE name = ?", [value, name]
            )
        self._connection.execute("DELETE FROM exallm_session_parameters WHERE name = ?", [name])
        self._connection.execute(
            "INSERT INTO exallm_session_parameters VALUES (?, ?)", [name, value]
        )

    def comment(self, kind: str, schema: str | None, name: str, remark: str | None) -> None:
        """Keep a comment, None for none; for a SCHEMA or CONNECTION the schema is None."""
        if kind in ("SCHEMA", "CONNECTION"):
            table = "schemas" if kind == "SCHEMA" else "connections"
            self._connection.execute(
                f"UPDATE _exallm.{table} SET remark = ? WHERE name = ?",
                [remark, name],
            )
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO _exallm.remarks VALUES (?, ?, ?, ?)",
            [kind, schema, name, remark],
        )

    def drop(self, drop: DropObject, schema: str | None) -> None:
        """``DROP``; :raises SqlError: 42000 for an object that does not exist."""
        name = drop.name.name
        if not self.exists(drop.kind, schema, name):
            if drop.if_exists:
                return
            raise SqlError("42000", f"{drop.kind.lower()} {_dotted(schema, name)} not found")
        match drop.kind:
            case "SCHEMA":
                self._drop_schema(name, drop.cascade)
            case "TABLE":
                assert schema is not None
                self._connection.execute(f"DROP TABLE {quoted(schema)}.{quoted(name)}")
                self._forget(schema, name)
            case "CONNECTION":
                self._connection.execute("DELETE FROM _exallm.connections WHERE name = ?", [name])
            case _:
                assert schema is not None
                table = {"VIEW": "views", "SCRIPT": "scripts"}[drop.kind]
                self._delete(table, schema, name)
                self._forget(schema, name)

    def exists(self, kind: str, schema: str | None, name: str) -> bool:
        """Whether there is an object of this kind and name."""
        if kind == "SCHEMA":
            return self.has_schema(name)
        if kind == "CONNECTION":
            return self._row("SELECT 1 FROM _exallm.connections WHERE name = ?", name) is not None
        assert schema is not None
        if kind == "TABLE":
            return self.has_table(schema, name)
        table = {"VIEW": "views", "SCRIPT": "scripts"}[kind]
        return self._named(table, schema, name)

    def _drop_schema(self, name: str, cascade: bool) -> None:
        tables = [
            row[0]
            for row in self._connection.execute(
                "SELECT table_name FROM duckdb_tables()"
                " WHERE database_name = current_database() AND schema_name = ?",
                [name],
            ).fetchall()
        ]
        others = self._row(
            "SELECT 1 FROM (SELECT schema_name FROM _exallm.scripts UNION ALL"
            " SELECT schema_name FROM _exallm.views) WHERE schema_name = ?",
            name,
        )
        if (tables or others) and not cascade:
            raise SqlError("42000", f"schema {name} is not empty: use DROP SCHEMA ... CASCADE")
        self._connection.execute(f"DROP SCHEMA {quoted(name)} CASCADE")
        for table in ("scripts", "views", "remarks"):
            self._connection.execute(
                f"DELETE FROM _exallm.{table} WHERE schema_name = ?",
                [name],
            )
        self._connection.execute("DELETE FROM _exallm.schemas WHERE name = ?", [name])

    def _replace(self, table: str, kind: str, schema: str, name: str, replace: bool) -> None:
        if not self._named(table, schema, name):
            return
        if not replace:
            raise SqlError("42000", f"{kind} {schema}.{name} already exists")
        self._delete(table, schema, name)

    def _named(self, table: str, schema: str, name: str) -> bool:
        sql = f"SELECT 1 FROM _exallm.{table} WHERE schema_name = ? AND name = ?"
        return self._row(sql, schema, name) is not None

    def _delete(self, table: str, schema: str, name: str) -> None:
        self._connection.execute(
            f"DELETE FROM _exallm.{table} WHERE schema_name = ? AND name = ?",
            [schema, name],
        )

    def _forget(self, schema: str, name: str) -> None:
        """Drop the comments on an object and its columns."""
        self._connection.execute(
            "DELETE FROM _exallm.remarks WHERE schema_name = ?"
            " AND (name = ? OR starts_with(name, ? || '.'))",
            [schema, name, name],
        )

    def _require_schema(self, schema: str) -> None:
        if not self.has_schema(schema):
            raise SqlError("42000", f"schema {schema} not found")

    def _script_text(self, kind: str, schema: str, name: str) -> str | None:
        row = self._row(
            "SELECT statement FROM _exallm.scripts WHERE kind = ? AND schema_name = ? AND name = ?",
            kind,
            schema,
            name,
        )
        return str(row[0]) if row else None

    def _row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        # DuckDB wants a result read to its end before the connection does anything else.
        rows = self._connection.execute(sql, list(values)).fetchall()
        return rows[0] if rows else None


@lru_cache(maxsize=512)
def _udf(text: str, schema: str) -> UdfScript:
    return parse_udf_script(text, schema)


def _dotted(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name
