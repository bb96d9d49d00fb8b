"""What stands in FROM: tables, views, system tables, subqueries and joins."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

import sqlglot
from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.environment import Environment, OutputColumn, Source, TranslatedQuery
from exallm.local.sql.expressions import Expressions
from exallm.local.sql.kinds import Kind, check_blanks, united
from exallm.local.sql.names import MARK, folded, stored, stored_identifier, stored_schema
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.scope import Scope, View
from exallm.local.sql.system_tables import SYSTEM_SCHEMAS, TABLES_BY_NAME, system_table
from exallm.local.sql_error import SqlError

_KINDS = ("", "INNER", "OUTER", "CROSS")
_SIDES = ("", "LEFT", "RIGHT", "FULL")
_numbers = itertools.count(1)


class Queries(Protocol):
    """Translates the queries inside FROM.

    :param ctes: what the names of WITH mean here.
    """

    scope: Scope
    expressions: Expressions
    ctes: dict[str, tuple[exp.CTE, TranslatedQuery]]

    def query(self, node: exp.Expr) -> TranslatedQuery:
        """A subquery."""

    def values(self, node: exp.Values, names: Sequence[str]) -> TranslatedQuery:
        """``VALUES``, as a query with these columns."""

    def view_query(self, view: View) -> TranslatedQuery:
        """The query that a view stands for."""


class SourceTranslator:
    """Translates what a query reads from.

    Each source gets a name in DuckDB's query that no other one has, by which its columns are
    qualified: so no name can mean anything to DuckDB but what it means here.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._scope = queries.scope

    def from_clause(self, node: exp.Select) -> tuple[Environment, dict[str, object]]:
        """The columns that FROM makes known, and the clauses for DuckDB."""
        environment = Environment(outer=self._queries.expressions.environment)
        clause = node.args.get("from_")
        if clause is None:
            return environment, {}
        first, added = self._item(clause.this, environment)
        environment.add(added)
        joins = [self._join(join, environment) for join in node.args.get("joins") or []]
        return environment, {"from_": exp.From(this=first), "joins": joins}

    def source(self, node: exp.Expr) -> tuple[exp.Expr, Source]:
        """A table, view or subquery in FROM, JOIN or USING."""
        if isinstance(node, exp.Table):
            return self._table(node)
        alias = node.args.get("alias")
        if isinstance(node, exp.Subquery):
            return self._derived(self._queries.query(node.this), alias)
        if isinstance(node, exp.Values):
            if alias is None or not alias.args.get("columns"):
                raise refused(60, "VALUES in FROM without names for its columns")
            names = [folded(column) for column in alias.args["columns"]]
            return self._derived(self._queries.values(node, names), alias)
        raise refused(60, f"{type(node).__name__.upper()} in FROM")

    def table_name(self, node: exp.Table) -> tuple[str, str]:
        """Schema and name of a table.

        :raises SqlError: 42000 where no schema is open or the named one does not exist.
        """
        if not isinstance(node.this, exp.Identifier):
            raise refused(60, f"the table function {node.this.sql('exasol')}")
        name, db = folded(node.this), node.args.get("db")
        schema = folded(db) if db is not None else self._scope.current_schema
        if schema is None:
            raise SqlError("42000", f"object {name} not found: no schema is open")
        if not self._scope.catalog.has_schema(schema) or not self._scope.rights.sees(schema):
            raise SqlError("42000", f"schema {schema} not found")
        return schema, name

    def target(
        self, node: exp.Expr, *privileges: str
    ) -> tuple[exp.Table, Source, tuple[Column, ...]]:
        """The table that a statement changes, with its columns and their types.

        :param privileges: what the statement needs on it: INSERT, UPDATE or DELETE.
        :raises SqlError: 42000 where there is no such table, 42500 without a privilege.
        """
        if not isinstance(node, exp.Table):
            raise refused(60, f"the target {node.sql('exasol')}")
        schema, name = self.table_name(node)
        if self._scope.catalog.view(schema, name) is not None:
            raise refused(60, f"a change of the view {schema}.{name}")
        columns = self._columns(schema, name)
        for privilege in privileges:
            self._scope.rights.require(privilege, "TABLE", schema, name)
        return *_stored(schema, name, columns, node.args.get("alias")), columns

    def _columns(self, schema: str, name: str) -> tuple[Column, ...]:
        columns = self._scope.catalog.columns(schema, name)
        if columns is None:
            raise SqlError("42000", f"object {schema}.{name} not found")
        return columns

    def _table(self, node: exp.Table) -> tuple[exp.Expr, Source]:
        alias, db = node.args.get("alias"), node.args.get("db")
        if isinstance(node.this, exp.Identifier):
            name = folded(node.this)
            if db is None and name in self._queries.ctes:
                return self._cte(name, alias)
            if (db is None or folded(db) in SYSTEM_SCHEMAS) and name in TABLES_BY_NAME:
                system = system_table(name, self._scope)
                return self._system(system, alias, name)
        schema, name = self.table_name(node)
        view = self._scope.catalog.view(schema, name)
        if view is not None:
            self._scope.rights.require("SELECT", "VIEW", schema, name)
            return self._derived(self._queries.view_query(view), alias, name, schema)
        columns = self._columns(schema, name)
        self._scope.rights.require("SELECT", "TABLE", schema, name)
        return _stored(schema, name, columns, alias)

    def _cte(self, name: str, alias: exp.Expr | None) -> tuple[exp.Expr, Source]:
        columns = renamed(self._queries.ctes[name][1].columns, alias)
        source = _source(columns, alias, name, None)
        table = exp.Table(this=stored_identifier(name))
        table.set("alias", _alias(source, columns if _lists(alias) else ()))
        return table, source

    def _system(self, system: str, alias: exp.Expr | None, name: str) -> tuple[exp.Expr, Source]:
        columns = tuple(
            OutputColumn(column.name, Kind.of_type(column.type))
            for column in self._scope.catalog.described(system)
        )
        node = sqlglot.parse_one(system, read="duckdb")
        return self._derived(TranslatedQuery(node, columns), alias, name)

    def _derived(
        self,
        query: TranslatedQuery,
        alias: exp.Expr | None,
        name: str | None = None,
        schema: str | None = None,
    ) -> tuple[exp.Expr, Source]:
        """A query in place of a table."""
        columns = renamed(query.columns, alias)
        source = _source(columns, alias, name, schema)
        names = {column.name for column in columns}
        # Two columns of one name may not be listed; to use one of them is an error anyway.
        listed = columns if len(names) == len(columns) else ()
        node = query.node.this if isinstance(query.node, exp.Subquery) else query.node
        if isinstance(node, exp.Values):
            node.set("alias", _alias(source, columns))
            return node, source
        return exp.Subquery(this=node, alias=_alias(source, listed)), source

    # --- joins ---------------------------------------------------------------------------------

    def _item(self, node: exp.Expr, environment: Environment) -> tuple[exp.Expr, Environment]:
        """One side of a join: a single source, or a join in parentheses with all of its sources."""
        own = Environment(outer=environment.outer)
        inner = node
        while _is_join(inner) and not inner.args.get("joins"):
            if inner.args.get("alias"):
                raise refused(60, "an alias on a join in parentheses")
            inner = inner.this
        joins = inner.args.get("joins") or []
        if not joins:
            first, source = self.source(inner)
            own.sources.append(source)
            return first, own
        bare = inner.copy()
        bare.set("joins", None)
        first, nested = self._item(bare, environment)
        own.add(nested)
        first.set("joins", [self._join(join, own) for join in joins])
        return exp.Subquery(this=first), own

    def _join(self, node: exp.Join, environment: Environment) -> exp.Join:
        kind, side = (str(node.args.get(part) or "") for part in ("kind", "side"))
        method = str(node.args.get("method") or "")
        if kind not in _KINDS or side not in _SIDES or method not in ("", "NATURAL"):
            raise refused(60, " ".join(part for part in (method, side, kind, "JOIN") if part))
        joined, added = self._item(node.this, environment)
        on, using = node.args.get("on"), node.args.get("using") or []
        is_plain = bool(node.meta.get("comma")) or kind == "CROSS"
        if bool(is_plain or method) == bool(on is not None or using):
            raise syntax_error("a JOIN has ON or USING, a CROSS or NATURAL JOIN has neither")
        names = [folded(column) for column in using]
        if method:
            names = environment.names_shared_with(added)
            is_plain = not names
        kinds = {name: self._merged(name, environment, added) for name in names}
        environment.add(added)
        environment.merged.update(kinds)
        parts: dict[str, object] = {"kind": "CROSS" if is_plain else kind, "side": side}
        if on is not None:
            with self._queries.expressions.within(environment):
                parts["on"] = self._queries.expressions.condition(on)
        if names:
            parts["using"] = [stored_identifier(name) for name in names]
        return exp.Join(this=joined, **parts)

    def _merged(self, name: str, environment: Environment, added: Environment) -> Kind:
        """The kind of a column that a join makes one of two."""
        left, right = (
            Environment(None, side.sources, side.merged).find(name, None, None)[1]
            for side in (environment, added)
        )
        check_blanks(left, right, "USING")
        return united(left, right, "USING")


def renamed(columns: tuple[OutputColumn, ...], alias: exp.Expr | None) -> tuple[OutputColumn, ...]:
    """The columns under the names that an alias lists, if it does."""
    listed = (alias.args.get("columns") if alias is not None else None) or []
    if not listed:
        return columns
    if len(listed) != len(columns):
        raise SqlError("42000", f"an alias names {len(listed)} of {len(columns)} columns")
    return tuple(
        OutputColumn(folded(name), column.kind)
        for name, column in zip(listed, columns, strict=True)
    )


def _stored(
    schema: str, name: str, columns: tuple[Column, ...], alias: exp.Expr | None
) -> tuple[exp.Table, Source]:
    """A table of the user's."""
    known = tuple(OutputColumn(column.name, Kind.of_type(column.type)) for column in columns)
    known = renamed(known, alias)
    table = exp.Table(
        this=stored_identifier(name), db=exp.to_identifier(stored_schema(schema), quoted=True)
    )
    source = _source(known, alias, name, schema)
    table.set("alias", _alias(source, known if _lists(alias) else ()))
    return table, source


def _source(
    columns: tuple[OutputColumn, ...], alias: exp.Expr | None, name: str | None, schema: str | None
) -> Source:
    if alias is not None:
        name, schema = folded(alias.this) if alias.this is not None else None, None
    number = f"{MARK}{next(_numbers)}"
    return Source(name, schema, f"{number}{stored(name or '')}", columns)


def _alias(source: Source, columns: tuple[OutputColumn, ...]) -> exp.TableAlias:
    return exp.TableAlias(
        this=exp.to_identifier(source.alias, quoted=True),
        columns=[stored_identifier(column.name) for column in columns],
    )


def _is_join(node: exp.Expr) -> bool:
    """Whether what stands in parentheses is a table or a join, not a query."""
    while isinstance(node, exp.Subquery):
        node = node.this
        if isinstance(node, exp.Table):
            return True
    return False


def _lists(alias: exp.Expr | None) -> bool:
    return alias is not None and bool(alias.args.get("columns"))
