"""What CREATE TABLE and ALTER TABLE make of a table, in DuckDB's terms."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from exallm.local.exasol_type import ExasolType
from exallm.local.sql.environment import TranslatedQuery
from exallm.local.sql.functions import utc_now
from exallm.local.sql.kinds import Kind, convert, typed
from exallm.local.sql.names import (
    MARK,
    quoted,
    stored,
    stored_identifier,
    table_sql,
    text_literal,
)
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused
from exallm.local.sql.table_definition import TableColumn, TableDefinition, column_list
from exallm.local.sql.table_statements import (
    Action,
    AddColumn,
    AddKey,
    ColumnElement,
    CreateTable,
    CreateTableAs,
    Distribute,
    DropColumn,
    DropPrimaryKey,
    ForeignKey,
    ModifyColumn,
    RenameColumn,
    SetDefault,
)
from exallm.local.sql.token_reader import QualifiedName
from exallm.local.sql_error import SqlError


@dataclass(frozen=True)
class Definition:
    """A table to be made.

    :param before: statements that must run first: those that make the numbers of IDENTITY columns.
    """

    table: TableDefinition
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alteration:
    """A table to be made anew out of an older version of itself.

    :param values: for each column the DuckDB expression of its values over the older version.
    """

    definition: Definition
    values: tuple[str, ...]


class DefinitionTranslator:
    """Translates what defines a table."""

    def __init__(self, queries: QueryTranslator) -> None:
        self._queries = queries
        self._catalog = queries.scope.catalog

    def created(self, schema: str, statement: CreateTable) -> Definition:
        """The table of ``CREATE TABLE`` with elements.

        :raises SqlError: 42000 for names that are there twice or not at all.
        """
        elements = statement.elements
        columns: list[TableColumn] = []
        before: list[str] = []
        for element in elements.columns:
            if isinstance(element, QualifiedName):
                columns.extend(self._columns_like(schema, element))
                continue
            column, sequence = self._column(schema, element)
            columns.append(column)
            before.extend(sequence)
        if not columns:
            raise SqlError("42000", f"syntax error, table {statement.name.name} has no columns")
        names = [column.name for column in columns]
        _check_unique(names)
        _check_known(elements.primary_key, names)
        keys = tuple(self._foreign_key(schema, key, names) for key in elements.foreign_keys)
        return Definition(
            TableDefinition(tuple(columns), elements.primary_key, keys), tuple(before)
        )

    def of_query(self, statement: CreateTableAs) -> tuple[Definition, TranslatedQuery]:
        """The table of ``CREATE TABLE ... AS``, and the query for its rows."""
        query = self._queries.query(statement.query)
        names = [column.name for column in query.columns]
        if statement.columns:
            if len(statement.columns) != len(names):
                raise SqlError(
                    "42000", f"{len(statement.columns)} names for {len(names)} columns of the query"
                )
            names = list(statement.columns)
        _check_unique(names)
        columns = tuple(
            TableColumn(name, column.kind.type())
            for name, column in zip(names, query.columns, strict=True)
        )
        return Definition(TableDefinition(columns)), query

    def altered(self, schema: str, table: TableDefinition, action: Action) -> Alteration | None:
        """What an action of ``ALTER TABLE`` makes of a table; None where it changes nothing.

        :raises SqlError: 42000 for columns that are not there, or there already.
        """
        names = table.names()
        kept = [quoted(stored(name)) for name in names]
        match action:
            case Distribute():
                _check_known(action.columns, names)
                return None
            case AddColumn():
                return self._added(schema, table, action, kept)
            case DropColumn():
                if action.if_exists and action.name not in names:
                    return None
                place = _place(action.name, names)
                if action.name in table.primary_key:
                    raise SqlError("42000", f"column {action.name} is part of the primary key")
                if len(names) == 1:
                    raise SqlError("42000", "the last column of a table cannot be dropped")
                rest = (*table.columns[:place], *table.columns[place + 1 :])
                del kept[place]
                return Alteration(Definition(replace(table, columns=rest)), tuple(kept))
            case RenameColumn():
                place = _place(action.old, names)
                _check_unique([*names[:place], action.new, *names[place + 1 :]])
                column = replace(table.columns[place], name=action.new)
                key = tuple(action.new if n == action.old else n for n in table.primary_key)
                renamed = replace(_with(table, place, column), primary_key=key)
                return Alteration(Definition(renamed), tuple(kept))
            case ModifyColumn():
                return self._modified(schema, table, action.column, kept)
            case SetDefault():
                place = _place(action.name, names)
                old = table.columns[place]
                default = self._default(action.value, old.type) if action.value else None
                changed = _with(table, place, replace(old, default=default))
                return Alteration(Definition(changed), tuple(kept))
            case AddKey() | DropPrimaryKey():
                return self._with_other_key(schema, table, action, tuple(kept))
        raise AssertionError(f"no such action: {action}")

    def _with_other_key(
        self,
        schema: str,
        table: TableDefinition,
        action: AddKey | DropPrimaryKey,
        kept: tuple[str, ...],
    ) -> Alteration | None:
        if isinstance(action, DropPrimaryKey):
            if not table.primary_key:
                raise SqlError("42000", "the table has no primary key")
            return Alteration(Definition(replace(table, primary_key=())), kept)
        if action.key is None:
            return None
        if isinstance(action.key, ForeignKey):
            keys = (*table.foreign_keys, self._foreign_key(schema, action.key, table.names()))
            return Alteration(Definition(replace(table, foreign_keys=keys)), kept)
        if table.primary_key:
            raise SqlError("42000", "the table has a primary key already")
        _check_known(action.key, table.names())
        return Alteration(Definition(replace(table, primary_key=action.key)), kept)

    def _added(
        self, schema: str, table: TableDefinition, action: AddColumn, kept: list[str]
    ) -> Alteration | None:
        if action.if_not_exists and action.column.name in table.names():
            return None
        column, before = self._column(schema, action.column)
        _check_unique([*table.names(), column.name])
        key = table.primary_key
        if action.column.is_primary_key:
            if key:
                raise SqlError("42000", "the table has a primary key already")
            key = (column.name,)
        if action.column.foreign_key is not None:
            raise refused(60, "ALTER TABLE ADD COLUMN with REFERENCES")
        changed = replace(table, columns=(*table.columns, column), primary_key=key)
        value = column.default or f"CAST(NULL AS {column.type.duckdb()})"
        return Alteration(Definition(changed, tuple(before)), (*kept, value))

    def _modified(
        self, schema: str, table: TableDefinition, element: ColumnElement, kept: list[str]
    ) -> Alteration:
        place = _place(element.name, table.names())
        old = table.columns[place]
        if element.identity is not None or element.is_primary_key or element.foreign_key:
            raise refused(60, "ALTER TABLE MODIFY COLUMN with IDENTITY or a key")
        column, before = self._column(schema, element)
        if element.default is None:
            column = replace(column, default=old.default)
        if element.not_null is None:
            column = replace(column, not_null=old.not_null)
        if old.type != column.type:
            source = exp.Column(this=stored_identifier(old.name))
            converted = convert(typed(source, Kind.of_type(old.type)), column.type)
            kept[place] = converted.sql("duckdb")
        return Alteration(Definition(_with(table, place, column), tuple(before)), tuple(kept))

    # --- columns and keys ----------------------------------------------------------------------

    def _column(self, schema: str, element: ColumnElement) -> tuple[TableColumn, list[str]]:
        """A column, with the statements that it needs before it."""
        default, before = None, []
        if element.identity is not None:
            if element.default is not None or not Kind.of_type(element.type).is_whole:
                raise SqlError("42000", "an IDENTITY column is a whole number without a DEFAULT")
            sequence = table_sql(schema, f"{MARK}{uuid.uuid4().hex}")
            before = [f"CREATE SEQUENCE {sequence} MINVALUE 0 START {element.identity}"]
            default = f"nextval({text_literal(sequence)})"
        elif element.default is not None:
            default = self._default(element.default, element.type)
        column = TableColumn(element.name, element.type, default, bool(element.not_null))
        return column, before

    def _columns_like(self, schema: str, name: QualifiedName) -> list[TableColumn]:
        """The columns of another table, without their defaults."""
        source = name.schema or schema
        known = self._definition(source, name.name)
        self._queries.scope.rights.require("SELECT", "TABLE", source, name.name)
        return [replace(column, default=None) for column in known.columns]

    def _foreign_key(self, schema: str, key: ForeignKey, names: Sequence[str]) -> str:
        """A FOREIGN KEY as DuckDB takes it; it refers to a primary key."""
        _check_known(key.columns, names)
        target = key.table.schema or schema
        if target != schema:
            raise refused(60, "REFERENCES to a table of another schema")
        table = self._definition(target, key.table.name)
        referenced = key.referenced or table.primary_key
        if not table.primary_key or set(referenced) != set(table.primary_key):
            raise SqlError("42000", f"{key.table.name} has no primary key of these columns")
        return (
            f"FOREIGN KEY ({column_list(key.columns)}) REFERENCES"
            f" {table_sql(target, key.table.name)} ({column_list(referenced)})"
        )

    def _definition(self, schema: str, name: str) -> TableDefinition:
        """A table that the statement names; :raises SqlError: 42000 where it is not there."""
        if not self._catalog.has_schema(schema) or not self._queries.scope.rights.sees(schema):
            raise SqlError("42000", f"schema {schema} not found")
        table = self._catalog.definition(schema, name)
        if table is None:
            raise SqlError("42000", f"object {schema}.{name} not found")
        return table

    def _default(self, node: exp.Expr, type_: ExasolType) -> str:
        """A value for rows to come: a constant, or the time at which a row is inserted."""
        name = node.name.upper() if isinstance(node, exp.Column) else ""
        if name in ("CURRENT_TIMESTAMP", "SYSTIMESTAMP", "CURRENT_DATE", "SYSDATE"):
            return convert(utc_now(is_date=name.endswith("DATE")), type_).sql("duckdb")
        for part in node.walk():
            if not isinstance(part, (exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Cast)):
                if isinstance(part.parent, exp.Cast) and isinstance(part, exp.DataType):
                    continue
                raise refused(60, f"DEFAULT {node.sql('exasol')}")
        value = self._queries.expressions.translate(node)
        default = convert(value, type_)
        if any(default.find_all(exp.Anonymous)):
            raise refused(60, f"DEFAULT {node.sql('exasol')} for a {type_.name}")
        return default.sql("duckdb")


def _with(table: TableDefinition, place: int, column: TableColumn) -> TableDefinition:
    """The table with another column in a place."""
    columns = (*table.columns[:place], column, *table.columns[place + 1 :])
    return replace(table, columns=columns)


def _place(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise SqlError("42000", f"object {name} not found")
    return names.index(name)


def _check_known(wanted: Sequence[str], names: Sequence[str]) -> None:
    for name in wanted:
        _place(name, names)


def _check_unique(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SqlError("42000", f"column {name} is named twice")
