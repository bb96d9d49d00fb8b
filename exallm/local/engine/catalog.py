"""Schemas, scripts, views, connections, parameters and comments, as rows in DuckDB.

They live in tables, so what a transaction changes in them ends with it, as Exasol's DDL does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import duckdb

from exallm.local.engine.database import DEFAULT_PARAMETERS
from exallm.local.engine.result import type_of_duckdb
from exallm.local.exasol_type import Column, ExasolType
from exallm.local.lua.script import LuaScript, parse_lua_script
from exallm.local.sql.environment import TranslatedQuery
from exallm.local.sql.kinds import output_type
from exallm.local.sql.names import quoted, shown, stored, stored_schema, table_sql
from exallm.local.sql.refusal import refused
from exallm.local.sql.rights import Rights
from exallm.local.sql.scope import View
from exallm.local.sql.statements import CreateConnection, CreateView, DropObject
from exallm.local.sql.system_tables import SYSTEM_SCHEMAS
from exallm.local.sql.table_definition import TableColumn, TableDefinition, sequence_of
from exallm.local.sql_error import SqlError
from exallm.local.timestamp_format import TimestampFormat
from exallm.local.udf.connection import Connection
from exallm.local.udf.script import UdfScript, parse_udf_script

_FREE = ("IDLE_TIMEOUT", "NLS_TIMESTAMP_FORMAT", "QUERY_TIMEOUT", "SCRIPT_LANGUAGES")
# What a parameter may be set to, where another value would change what statements mean.
_ALLOWED = {
    **{name: (value,) for name, value in DEFAULT_PARAMETERS.items() if name not in _FREE},
    "QUERY_CACHE": ("ON", "OFF", "READONLY"),
}
_COLUMNS = """
    SELECT column_name, data_type, comment, column_default, is_nullable FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = $schema AND table_name = $name
    ORDER BY column_index
"""
_PRIMARY, _FOREIGN = "PRIMARY KEY", "FOREIGN KEY"
_KEYS = f"""
    SELECT constraint_type, constraint_column_names FROM duckdb_constraints()
    WHERE database_name = current_database() AND schema_name = $schema AND table_name = $name
        AND constraint_type IN ('{_PRIMARY}', '{_FOREIGN}')
"""
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
        return self._row(sql, stored_schema(schema), stored(name)) is not None

    def columns(self, schema: str, name: str) -> tuple[Column, ...] | None:
        """The columns of a table, None where there is no such table."""
        return tuple(column for column, _, _ in self._detailed(schema, name)) or None

    def definition(self, schema: str, name: str) -> TableDefinition | None:
        """All of a table but its FOREIGN KEYs, None where there is no such table."""
        details = self._detailed(schema, name)
        if not details:
            return None
        keys = self._of_table(_KEYS, schema, name)
        return TableDefinition(
            tuple(
                TableColumn(column.name, column.type, default, not is_nullable)
                for column, default, is_nullable in details
            ),
            tuple(shown(column) for kind, names in keys for column in names if kind == _PRIMARY),
        )

    def has_foreign_key(self, schema: str, name: str) -> bool:
        """Whether a table has a FOREIGN KEY."""
        return any(kind == _FOREIGN for kind, _ in self._of_table(_KEYS, schema, name))

    def nullable_columns(self, schema: str, name: str) -> list[tuple[str, bool]]:
        """The columns of a table, each with whether it takes NULL; none for what is no table."""
        details = self._detailed(schema, name)
        return [(column.name, is_nullable) for column, _, is_nullable in details]

    def column_comment(self, schema: str, name: str, column: str) -> str | None:
        """The comment on a column, None where there is none."""
        row = self._row(
            "SELECT remark FROM _exallm.remarks"
            " WHERE kind = 'COLUMN' AND schema_name = ? AND name = ?",
            schema,
            f"{name}.{column}",
        )
        return row[0] if row else None

    def described(self, query: str) -> tuple[Column, ...]:
        """The columns that a DuckDB query gives, without running it."""
        relation = self._connection.sql(query)
        return tuple(
            Column(shown(name), type_of_duckdb(str(type_)))
            for name, type_ in zip(relation.columns, relation.types, strict=True)
        )

    def output_columns(self, query: TranslatedQuery) -> tuple[Column, ...]:
        """The columns that a translated query gives, without running it."""
        found = self.described(query.node.sql("duckdb"))
        return tuple(
            Column(output.name, output_type(output.kind, column.type))
            for output, column in zip(query.columns, found, strict=True)
        )

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
            "SELECT v.query, v.columns, v.current_schema, s.owner FROM _exallm.views v"
            " JOIN _exallm.schemas s ON s.name = v.schema_name"
            " WHERE v.schema_name = ? AND v.name = ?",
            schema,
            name,
        )
        return View(schema, name, row[0], tuple(row[1]), row[2], row[3]) if row else None

    def script_bodies(self, rights: Rights) -> Mapping[str, str | None]:
        """``SCHEMA.NAME`` to the body of every UDF script, for ``exa.import_script``.

        The body is None where the rights are too few to execute the script.
        """
        rows = self._connection.execute(
            "SELECT schema_name, name, statement FROM _exallm.scripts WHERE kind = 'UDF'"
        ).fetchall()
        return {
            f"{schema}.{name}": (
                _udf(text, schema).body
                if rights.holds("EXECUTE", schema, name) and rights.uses(schema)
                else None
            )
            for schema, name, text in rows
            if rights.sees(schema)
        }

    def connections(self, rights: Rights) -> Mapping[str, Connection | None]:
        """Every CONNECTION by name, for ``exa.get_connection``; None for all without the right."""
        allowed = rights.has("ACCESS ANY CONNECTION")
        rows = self._connection.execute(
            "SELECT name, address, user_name, password FROM _exallm.connections"
        ).fetchall()
        return {
            name: Connection("password", address, user, password) if allowed else None
            for name, address, user, password in rows
        }

    def language_url(self, alias: str) -> str | None:
        """What SCRIPT_LANGUAGES of the session says about an alias, None where it is not there."""
        return self.languages().get(alias)

    def languages(self) -> dict[str, str]:
        """Alias of a script language to what SCRIPT_LANGUAGES of the session says about it."""
        entries = self.parameter("SCRIPT_LANGUAGES").split()
        parts = [entry.partition("=") for entry in reversed(entries)]
        return {name.upper(): url for name, _, url in parts}  # the first of two counts

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
        if name in SYSTEM_SCHEMAS:
            raise SqlError("42000", f"schema name {name} is reserved")
        self._connection.execute(f"CREATE SCHEMA {quoted(stored_schema(name))}")
        self._connection.execute("INSERT INTO _exallm.schemas VALUES (?, ?, NULL)", [name, owner])

    def change_owner(self, schema: str, owner: str) -> None:
        """``ALTER SCHEMA ... CHANGE OWNER``: all in the schema changes its owner with it."""
        self._connection.execute(
            "UPDATE _exallm.schemas SET owner = ? WHERE name = ?", [owner, schema]
        )

    def create_script(self, script: UdfScript | LuaScript, replace: bool) -> None:
        """``CREATE [OR REPLACE] SCRIPT``."""
        self._require_schema(script.schema)
        if isinstance(script, UdfScript):
            if self.language_url(script.language) is None:
                raise SqlError("42000", f"script language {script.language} is not available")
            described: list[str | None] = [_UDF, script.language, script.kind, script.output]
        else:
            described = [_SCRIPTING, "LUA", None, script.returns]
        self._make_room("SCRIPT", script.schema, script.name, replace)
        self._connection.execute(
            "INSERT INTO _exallm.scripts VALUES (?, ?, ?, ?, ?, ?, ?)",
            [script.schema, script.name, *described, script.source],
        )

    def create_view(self, schema: str, view: CreateView, current_schema: str | None) -> None:
        """``CREATE [OR REPLACE] VIEW``."""
        self._require_schema(schema)
        name = view.name.name
        self._make_room("VIEW", schema, name, view.replace)
        self._connection.execute(
            "INSERT INTO _exallm.views VALUES (?, ?, ?, ?, ?, ?)",
            [schema, name, view.statement, view.query, list(view.columns), current_schema],
        )
        self.comment("VIEW", schema, name, view.comment)

    def describe_view(self, schema: str, name: str, columns: Sequence[Column]) -> None:
        """Keep the columns of a view, as it gives them now."""
        for place, column in enumerate(columns, start=1):
            self._connection.execute(
                "INSERT INTO _exallm.view_columns VALUES (?, ?, ?, ?, ?)",
                [schema, name, place, column.name, column.type.sql()],
            )

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
        if name in _ALLOWED and value.upper() not in _ALLOWED[name]:
            raise refused(60, f"another {name} than {' or '.join(_ALLOWED[name])}")
        if name == "NLS_TIMESTAMP_FORMAT":
            _check_timestamp_format(value)
        if name in ("QUERY_TIMEOUT", "IDLE_TIMEOUT") and not value.isdecimal():
            raise SqlError("42000", f"{name} takes seconds, not {value}")
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
                f"UPDATE _exallm.{table} SET remark = ? WHERE name = ?", [remark, name]
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
                self.drop_table(schema, name)
            case "CONNECTION":
                self._connection.execute("DELETE FROM _exallm.connections WHERE name = ?", [name])
            case _:
                assert schema is not None
                table = {"VIEW": "views", "SCRIPT": "scripts"}[drop.kind]
                self._delete(table, schema, name)
                self.forget(schema, name)

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

    def drop_table(self, schema: str, name: str) -> None:
        """Drop a table that exists, with the comments on it and the numbers of its IDENTITY."""
        details = self._detailed(schema, name)
        self._connection.execute(f"DROP TABLE {table_sql(schema, name)}")
        for _, default, _ in details:
            sequence = sequence_of(default)
            if sequence is not None:
                self._connection.execute(f"DROP SEQUENCE {sequence}")
        self.forget(schema, name)

    def rename(self, kind: str, schema: str, old: str, new: str) -> None:
        """Give a table or view another name; grants and comments stay."""
        self.require_free(schema, new)
        if kind == "TABLE":
            self.rename_table(schema, old, new)
        else:
            self._connection.execute(
                "UPDATE _exallm.views SET name = ? WHERE schema_name = ? AND name = ?",
                [new, schema, old],
            )
            self._connection.execute(
                "UPDATE _exallm.view_columns SET view_name = ?"
                " WHERE schema_name = ? AND view_name = ?",
                [new, schema, old],
            )
        self._connection.execute(
            "UPDATE _exallm.object_privileges SET name = ? WHERE schema_name = ? AND name = ?",
            [new, schema, old],
        )
        self.rename_comment(schema, old, new)
        self._connection.execute(
            "UPDATE _exallm.remarks SET name = ? || substr(name, ?)"
            " WHERE kind = 'COLUMN' AND schema_name = ? AND starts_with(name, ?)",
            [new, len(old) + 1, schema, f"{old}."],
        )

    def rename_table(self, schema: str, old: str, new: str) -> None:
        """Give a table another name, and nothing else that bears its name."""
        renamed = quoted(stored(new))
        self._connection.execute(f"ALTER TABLE {table_sql(schema, old)} RENAME TO {renamed}")

    def forget_column_comment(self, schema: str, name: str, column: str) -> None:
        """Drop the comment on a column, if there is one."""
        self._connection.execute(
            "DELETE FROM _exallm.remarks WHERE kind = 'COLUMN' AND schema_name = ? AND name = ?",
            [schema, f"{name}.{column}"],
        )

    def rename_comment(self, schema: str, old: str, new: str) -> None:
        """Keep the comment on an object or column whose name has changed."""
        self._connection.execute(
            "UPDATE _exallm.remarks SET name = ? WHERE schema_name = ? AND name = ?",
            [new, schema, old],
        )

    def require_free(self, schema: str, name: str) -> None:
        """:raises SqlError: 42000 where an object of any kind has the name."""
        for kind in ("TABLE", "VIEW", "SCRIPT"):
            if self.exists(kind, schema, name):
                raise SqlError("42000", f"object {schema}.{name} already exists ({kind.lower()})")

    def _drop_schema(self, name: str, cascade: bool) -> None:
        tables = [
            row[0]
            for row in self._connection.execute(
                "SELECT table_name FROM duckdb_tables()"
                " WHERE database_name = current_database() AND schema_name = ?",
                [stored_schema(name)],
            ).fetchall()
        ]
        others = self._row(
            "SELECT 1 FROM (SELECT schema_name FROM _exallm.scripts UNION ALL"
            " SELECT schema_name FROM _exallm.views) WHERE schema_name = ?",
            name,
        )
        if (tables or others) and not cascade:
            raise SqlError("42000", f"schema {name} is not empty: use DROP SCHEMA ... CASCADE")
        self._connection.execute(f"DROP SCHEMA {quoted(stored_schema(name))} CASCADE")
        for table in ("scripts", "views", "view_columns", "remarks", "object_privileges"):
            self._connection.execute(f"DELETE FROM _exallm.{table} WHERE schema_name = ?", [name])
        self._connection.execute("DELETE FROM _exallm.schemas WHERE name = ?", [name])

    def _make_room(self, kind: str, schema: str, name: str, replace: bool) -> None:
        """Remove what OR REPLACE replaces; nothing else may have the name."""
        table = {"VIEW": "views", "SCRIPT": "scripts"}[kind]
        if replace and self._named(table, schema, name):
            self._delete(table, schema, name)
        self.require_free(schema, name)

    def _named(self, table: str, schema: str, name: str) -> bool:
        sql = f"SELECT 1 FROM _exallm.{table} WHERE schema_name = ? AND name = ?"
        return self._row(sql, schema, name) is not None

    def _delete(self, table: str, schema: str, name: str) -> None:
        self._connection.execute(
            f"DELETE FROM _exallm.{table} WHERE schema_name = ? AND name = ?", [schema, name]
        )
        if table == "views":
            self._connection.execute(
                "DELETE FROM _exallm.view_columns WHERE schema_name = ? AND view_name = ?",
                [schema, name],
            )
        self._revoke_all(schema, name)

    def forget(self, schema: str, name: str) -> None:
        """Drop the comments on an object and its columns, and the privileges granted on it."""
        self._revoke_all(schema, name)
        self._connection.execute(
            "DELETE FROM _exallm.remarks WHERE schema_name = ?"
            " AND (name = ? OR starts_with(name, ? || '.'))",
            [schema, name, name],
        )

    def _revoke_all(self, schema: str, name: str) -> None:
        # A new object of the same name begins without grants, as Exasol has it.
        self._connection.execute(
            "DELETE FROM _exallm.object_privileges WHERE schema_name = ? AND name = ?",
            [schema, name],
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

    def _detailed(self, schema: str, name: str) -> list[tuple[Column, str | None, bool]]:
        """The columns of a table, each with its default and whether it takes NULL."""
        # What DuckDB's own types do not tell stands in its comments.
        return [
            (
                Column(shown(column), ExasolType.parse(said) if said else type_of_duckdb(type_)),
                default,
                bool(is_nullable),
            )
            for column, type_, said, default, is_nullable in self._of_table(_COLUMNS, schema, name)
        ]

    def _of_table(self, sql: str, schema: str, name: str) -> list[tuple[Any, ...]]:
        """What DuckDB's own tables say of one table."""
        table = {"schema": stored_schema(schema), "name": stored(name)}
        return self._connection.execute(sql, table).fetchall()

    def _row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        # DuckDB wants a result read to its end before the connection does anything else.
        rows = self._connection.execute(sql, list(values)).fetchall()
        return rows[0] if rows else None


def _check_timestamp_format(value: str) -> None:
    try:
        TimestampFormat.parse(value)
    except ValueError as error:
        raise refused(60, str(error)) from error


@lru_cache(maxsize=512)
def _udf(text: str, schema: str) -> UdfScript:
    return parse_udf_script(text, schema)


def _dotted(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name
