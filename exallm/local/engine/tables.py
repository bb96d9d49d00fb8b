"""Creates, replaces, alters and renames tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from exallm.local.engine.catalog import Catalog
from exallm.local.engine.relations import changed_rows
from exallm.local.engine.result import RowCount
from exallm.local.exasol_type import Column
from exallm.local.sql.changes import ChangeTranslator
from exallm.local.sql.definitions import Alteration, DefinitionTranslator
from exallm.local.sql.names import MARK, table_sql
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused
from exallm.local.sql.table_definition import TableDefinition
from exallm.local.sql.table_statements import (
    Action,
    AddColumn,
    AlterTable,
    ColumnElement,
    CreateTable,
    CreateTableAs,
    DropColumn,
    ModifyColumn,
    RenameColumn,
    TableStatement,
)
from exallm.local.sql_error import SqlError

_NEW = f"{MARK}NEW"  # no name of a user's table
_NOTHING = RowCount(0)


class Tables:
    """The effect of the statements that define tables.

    :param require_creation: raises 42500 unless the user may create, or replace, an object of this
        kind, schema and name.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        require_creation: Callable[[str, str, str, bool], None],
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._require_creation = require_creation

    def run(self, statement: TableStatement, schema: str, queries: QueryTranslator) -> RowCount:
        """Run one statement on a table of this schema.

        :raises SqlError: 42000 where a table is there or is not there, 42500 without a right.
        """
        match statement:
            case AlterTable():
                self._alter(statement, schema, queries)
                return _NOTHING
            case CreateTable() | CreateTableAs():
                return self._create(statement, schema, queries)

    def _create(
        self, statement: CreateTable | CreateTableAs, schema: str, queries: QueryTranslator
    ) -> RowCount:
        name = statement.name.name
        has_old = self._catalog.has_table(schema, name)
        if has_old and statement.if_not_exists:
            return _NOTHING
        self._require_creation("TABLE", schema, name, statement.replace)
        if not has_old or not statement.replace:
            # Found here, because DuckDB would give up the transaction over it.
            self._catalog.require_free(schema, name)
        if isinstance(statement, CreateTableAs):
            rows = self._create_as(statement, schema, has_old, queries)
        else:
            rows = _NOTHING
            definition = DefinitionTranslator(queries).created(schema, statement)
            if has_old:
                self._catalog.drop_table(schema, name)
            self._execute(*definition.before, *definition.table.statements(schema, name))
            for column in statement.elements.columns:
                if isinstance(column, ColumnElement) and column.comment:
                    self._catalog.comment("COLUMN", schema, f"{name}.{column.name}", column.comment)
        if statement.comment:
            self._catalog.comment("TABLE", schema, name, statement.comment)
        return rows

    def _create_as(
        self, statement: CreateTableAs, schema: str, has_old: bool, queries: QueryTranslator
    ) -> RowCount:
        """The query may read the table that is replaced."""
        name = statement.name.name
        definition, query = DefinitionTranslator(queries).of_query(statement)
        table, new = definition.table, _NEW if has_old else name
        self._execute(*table.statements(schema, new))
        rows = 0
        if statement.with_data:
            columns = [Column(column.name, column.type) for column in table.columns]
            values = ChangeTranslator(queries).assigned(query, columns).sql("duckdb")
            insert = f"INSERT INTO {table_sql(schema, new)} {values}"
            rows = changed_rows(self._connection, insert)
        if has_old:
            self._catalog.drop_table(schema, name)
            self._catalog.rename_table(schema, new, name)
        return RowCount(rows)

    def _alter(self, statement: AlterTable, schema: str, queries: QueryTranslator) -> None:
        name, action = statement.name.name, statement.action
        table = self._catalog.definition(schema, name)
        if table is None:
            raise SqlError("42000", f"object {schema}.{name} not found")
        queries.scope.rights.require("ALTER", "TABLE", schema, name)
        if self._catalog.has_foreign_key(schema, name):
            raise refused(60, f"ALTER TABLE of {name}, which has a FOREIGN KEY")
        alteration = DefinitionTranslator(queries).altered(schema, table, action)
        if alteration is None:
            return
        self._rebuild(schema, name, table, alteration)
        self._keep_comments(schema, name, action)

    def _keep_comments(self, schema: str, name: str, action: Action) -> None:
        """Let the comments on columns follow what has become of them."""
        match action:
            case AddColumn(column=column) | ModifyColumn(column=column):
                if column.comment is not None:
                    key = f"{name}.{column.name}"
                    self._catalog.comment("COLUMN", schema, key, column.comment or None)
            case DropColumn():
                self._catalog.forget_column_comment(schema, name, action.name)
            case RenameColumn():
                old, new = f"{name}.{action.old}", f"{name}.{action.new}"
                self._catalog.rename_comment(schema, old, new)

    def _rebuild(
        self, schema: str, name: str, table: TableDefinition, alteration: Alteration
    ) -> None:
        """Make a table anew: DuckDB cannot change the checks and keys of one that is there."""
        old, new = table_sql(schema, name), table_sql(schema, _NEW)
        definition = alteration.definition
        before = _sequences(table)
        self._execute(
            *definition.before,
            *definition.table.statements(schema, _NEW),
            f"INSERT INTO {new} SELECT {', '.join(alteration.values)} FROM {old}",
            f"DROP TABLE {old}",
        )
        self._catalog.rename_table(schema, _NEW, name)
        unused = before - _sequences(definition.table)
        self._execute(*(f"DROP SEQUENCE {sequence}" for sequence in sorted(unused)))

    def _execute(self, *statements: str) -> None:
        for statement in statements:
            self._connection.execute(statement)


def _sequences(table: TableDefinition) -> set[str]:
    names: Sequence[str | None] = [column.sequence() for column in table.columns]
    return {name for name in names if name is not None}
