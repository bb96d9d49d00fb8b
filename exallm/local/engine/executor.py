"""Runs one statement inside a transaction that the session holds open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
from sqlglot import exp

from exallm.local.engine.administration import Administration
from exallm.local.engine.catalog import Catalog
from exallm.local.engine.description import described
from exallm.local.engine.relations import changed_rows
from exallm.local.engine.result import Result, ResultSet, RowCount, result_set
from exallm.local.engine.rights_reader import RightsReader
from exallm.local.engine.script_runner import ScriptRunner
from exallm.local.engine.statement_calls import StatementCalls
from exallm.local.engine.tables import Tables
from exallm.local.engine.transfers import Transfers
from exallm.local.sql import statements as kinds
from exallm.local.sql.changes import ChangeTranslator
from exallm.local.sql.names import quoted
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.rights import denied
from exallm.local.sql.rights_statements import RightsStatement
from exallm.local.sql.scope import Scope, UdfCalls
from exallm.local.sql.table_statements import AlterTable, CreateTable, CreateTableAs
from exallm.local.sql.token_reader import QualifiedName
from exallm.local.sql.transfers import Export, Import
from exallm.local.sql_error import SqlError
from exallm.local.transport.tunnels import Tunnels

_NOTHING = RowCount(0)


class Executor:
    """The effect of every statement kind but COMMIT and ROLLBACK.

    :param scope: the surroundings of a statement with these calls.
    :param scripts: runs Lua scripts.
    :param rights: of the session's user, who owns the schemas that are created.
    :param tunnels: the connections that clients have opened for IMPORT and EXPORT.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        scope: Callable[[UdfCalls], Scope],
        scripts: ScriptRunner,
        rights: RightsReader,
        tunnels: Tunnels,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._scope = scope
        self._scripts = scripts
        self._rights = rights
        self._administration = Administration(connection, catalog, rights)
        self._tables = Tables(connection, catalog, self._require_creation)
        self._transfers = Transfers(connection, scope, tunnels)
        self.current_schema: str | None = None

    def run(self, statement: kinds.Statement, calls: StatementCalls) -> Result:
        """Run a statement; :raises SqlError: what the client is to see."""
        match statement:
            case kinds.Query():
                return self._query(statement.tree, calls)
            case kinds.Change():
                return self._change(statement.tree, calls)
            case CreateTable() | CreateTableAs() | AlterTable():
                schema = self._schema_of(statement.name)
                self._require_schema(schema)
                queries = QueryTranslator(self._scope(calls))
                return self._tables.run(statement, schema, queries)
            case kinds.Describe():
                return self._describe(statement, calls)
            case kinds.ExecuteScript():
                return self._execute_script(statement, calls)
            case kinds.CreateView():
                return self._create_view(statement, calls)
            case Import():
                return self._transfers.import_rows(statement, calls)
            case Export():
                return self._transfers.export_rows(statement, calls)
            case kinds.EndTransaction():
                raise AssertionError("the session ends transactions")
        if isinstance(statement, RightsStatement):
            self._administration.run(statement, self.current_schema)
            self._leave_dropped_schema()
        else:
            self._run_definition(statement)
        return _NOTHING

    def _run_definition(self, statement: kinds.Statement) -> None:
        match statement:
            case kinds.CreateSchema():
                self._create_schema(statement)
            case kinds.OpenSchema():
                self.open_schema(statement.name)
            case kinds.CreateScript():
                script = statement.script
                self._require_creation("SCRIPT", script.schema, script.name, statement.replace)
                self._catalog.create_script(script, statement.replace)
            case kinds.CreateConnection():
                self._require_connection(statement.name)
                self._catalog.create_connection(statement)
            case kinds.SetParameter():
                if statement.scope == "SYSTEM":
                    self._rights.own().require_system("ALTER SYSTEM", "altering system")
                self._catalog.set_parameter(statement.scope, statement.name, statement.value)
            case kinds.CommentOn():
                self._comment(statement)
            case kinds.DropObject():
                self._drop(statement)
            case kinds.Rename():
                self._rename(statement)

    def open_schema(self, name: str | None) -> None:
        """Open a schema, or none."""
        if name is not None and not (
            self._catalog.has_schema(name) and self._rights.own().uses(name)
        ):
            raise SqlError("42000", f"schema {name} not found")
        self.current_schema = name

    def _create_schema(self, statement: kinds.CreateSchema) -> None:
        own = self._rights.own()
        own.require_system("CREATE SCHEMA", "creating schema")
        self._catalog.create_schema(statement.name, own.user, statement.if_not_exists)
        self._rights.forget()
        self.current_schema = statement.name

    def _require_connection(self, name: str) -> None:
        """:raises SqlError: 42500 where the user may not create, or may not replace, one."""
        own = self._rights.own()
        own.require_system("CREATE CONNECTION", "creating connection")
        if self._catalog.exists("CONNECTION", None, name):
            own.require_system("DROP ANY CONNECTION", "replacing connection")

    def _require_creation(self, kind: str, schema: str, name: str, replacing: bool) -> None:
        """:raises SqlError: 42500 where the user may not create, or may not replace, an object."""
        own = self._rights.own()
        self._require_schema(schema)
        own.require_creation(kind, schema)
        if replacing and self._catalog.exists(kind, schema, name):
            own.require_removal(kind, schema, replacing=True)

    def _require_schema(self, schema: str) -> None:
        if not self._catalog.has_schema(schema) or not self._rights.own().sees(schema):
            raise SqlError("42000", f"schema {schema} not found")

    def _leave_dropped_schema(self) -> None:
        if self.current_schema is not None and not self._catalog.has_schema(self.current_schema):
            self.current_schema = None

    def _query(self, tree: exp.Expr, calls: StatementCalls) -> ResultSet:
        query = QueryTranslator(self._scope(calls)).query(tree)
        table = self._connection.sql(query.node.sql("duckdb")).to_arrow_table()
        return result_set(table, query.columns)

    def _change(self, tree: exp.Expr, calls: StatementCalls) -> RowCount:
        translator = ChangeTranslator(QueryTranslator(self._scope(calls)))
        sql = translator.translate(tree).sql("duckdb")
        return RowCount(changed_rows(self._connection, sql))

    def _rename(self, statement: kinds.Rename) -> None:
        schema, name = self._schema_of(statement.name), statement.name.name
        own = self._rights.own()
        found = [
            kind
            for kind in ("TABLE", "VIEW")
            if own.sees(schema) and self._catalog.exists(kind, schema, name)
        ]
        if not found or statement.kind not in (None, *found):
            raise SqlError("42000", f"object {schema}.{name} not found")
        own.require_removal(found[0], schema)
        self._catalog.rename(found[0], schema, name, statement.new)

    def _describe(self, statement: kinds.Describe, calls: StatementCalls) -> ResultSet:
        schema, name = self._schema_of(statement.name), statement.name.name
        table = exp.Table(
            this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(schema, quoted=True)
        )
        everything = exp.Select(expressions=[exp.Star()], from_=exp.From(this=table))
        columns = QueryTranslator(self._scope(calls.without_running())).query(everything).columns
        return described(self._catalog, schema, name, columns, statement.full)

    def _create_view(self, statement: kinds.CreateView, calls: StatementCalls) -> RowCount:
        schema = self._schema_of(statement.name)
        self._require_creation("VIEW", schema, statement.name.name, statement.replace)
        self._catalog.create_view(schema, statement, self.current_schema)
        # Bound once without running, so that a view that cannot work is refused now. Its creator
        # need not be its owner, nor have a right to read it.
        text = f"SELECT * FROM {quoted(schema)}.{quoted(statement.name.name)}"
        query = kinds.read_statement(text, self.current_schema)
        assert isinstance(query, kinds.Query)
        view = self._catalog.view(schema, statement.name.name)
        assert view is not None
        scope = self._scope(calls.without_running())
        scope = replace(scope, rights=self._rights.of(view.owner))
        bound = QueryTranslator(scope).query(query.tree)
        columns = self._catalog.output_columns(bound)
        self._catalog.describe_view(schema, statement.name.name, columns)
        return _NOTHING

    def _execute_script(self, statement: kinds.ExecuteScript, calls: StatementCalls) -> Result:
        schema = self._schema_of(statement.name)
        own = self._rights.own()
        script = self._catalog.lua_script(schema, statement.name.name) if own.sees(schema) else None
        if script is None:
            raise SqlError("42000", f"script {schema}.{statement.name.name} not found")
        own.require_execution(schema, script.name)
        arguments = [
            [self._value(part, calls) for part in argument]
            if isinstance(argument, tuple)
            else self._value(argument, calls)
            for argument in statement.arguments
        ]
        return self._scripts.run(script, arguments, statement.with_output)

    def _value(self, node: exp.Expr, calls: StatementCalls) -> object:
        tree = exp.Select(expressions=[exp.alias_(node.copy(), "V")])
        return self._query(tree, calls).table.column(0)[0].as_py()

    def _comment(self, statement: kinds.CommentOn) -> None:
        name, schema = statement.name.name, None
        if statement.kind in ("USER", "ROLE"):
            self._administration.comment(statement.kind, name, statement.comment or None)
            return
        kind = "TABLE" if statement.kind == "COLUMN" else statement.kind
        if kind not in ("SCHEMA", "CONNECTION"):
            schema = self._schema_of(statement.name)
        is_hidden = kind != "CONNECTION" and not self._rights.own().sees(schema or name)
        if is_hidden or not self._catalog.exists(kind, schema, name):
            raise SqlError("42000", f"{kind.lower()} {name} not found")
        self._require_comment(kind, schema, name)
        key = name
        if statement.column is not None:
            columns = self._catalog.columns(str(schema), name) or ()
            if statement.column not in [column.name for column in columns]:
                raise SqlError("42000", f"column {name}.{statement.column} not found")
            key = f"{name}.{statement.column}"
        self._catalog.comment(statement.kind, schema, key, statement.comment or None)

    def _require_comment(self, kind: str, schema: str | None, name: str) -> None:
        own = self._rights.own()
        if kind == "CONNECTION":
            own.require_system("CREATE CONNECTION", "commenting on connection")
        elif kind == "TABLE":
            own.require("ALTER", "TABLE", str(schema), name)
        else:
            place, right = (name, "ALTER ANY SCHEMA") if kind == "SCHEMA" else (str(schema), "")
            if not own.owns(place) and not own.has(right or f"CREATE ANY {kind}"):
                raise denied(f" for commenting on {kind.lower()}")

    def _drop(self, statement: kinds.DropObject) -> None:
        kind, name = statement.kind, statement.name.name
        in_schema = kind in ("TABLE", "VIEW", "SCRIPT")
        schema = self._schema_of(statement.name) if in_schema else None
        own = self._rights.own()
        if kind == "CONNECTION":
            own.require_system("DROP ANY CONNECTION", "dropping connection")
        elif not own.sees(schema or name):
            if statement.if_exists:
                return
            raise SqlError("42000", f"schema {schema or name} not found")
        elif self._catalog.exists(kind, schema, name):
            own.require_removal(kind, schema or name)
        self._catalog.drop(statement, schema)
        self._leave_dropped_schema()

    def _schema_of(self, name: QualifiedName) -> str:
        schema = name.schema or self.current_schema
        if schema is None:
            raise SqlError(
                "42000", "no schema specified or opened or current schema has been dropped"
            )
        return schema
