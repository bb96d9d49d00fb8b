"""Queries: names of tables, views, system tables, and calls that emit rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlglot
from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.dialect import EmbeddedExasol, parse_statement
from exallm.local.sql.expressions import Expressions, identifier, split_order
from exallm.local.sql.nodes import check_nodes
from exallm.local.sql.refusal import refused
from exallm.local.sql.scope import EmittingCall, Scope, View
from exallm.local.sql.surface import EMITS_ALIAS
from exallm.local.sql.system_tables import SYSTEM_SCHEMAS, system_table
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript, parse_columns

_VIEW_DEPTH = 50
_NAME_LIMIT = 128
_SETS = (exp.Union, exp.Except, exp.Intersect)


class QueryTranslator:
    """Translates the queries of one statement, and runs the calls in them that emit rows."""

    def __init__(self, scope: Scope, depth: int = 0) -> None:
        self._scope = scope
        self._depth = depth
        self._ctes: list[exp.CTE] = []  # translated, visible at this point, outermost first
        self.expressions = Expressions(scope, self)

    def query(self, node: exp.Expr) -> exp.Expr:
        """A query: SELECT, set operation, VALUES or one of them in parentheses."""
        if isinstance(node, exp.Subquery):
            return self._subquery(node)
        if isinstance(node, exp.Values):
            return self._values(node)
        if not isinstance(node, (exp.Select, *_SETS)):
            raise refused(60, type(node).__name__.upper())
        with self._with(node) as with_clause:
            translated = self._select(node) if isinstance(node, exp.Select) else self._set(node)
        if with_clause is not None:
            translated.set("with_", with_clause)
        return translated

    def top(self, node: exp.Expr) -> exp.Expr:
        """The query whose columns the client sees: expressions get the names Exasol gives them."""
        named = node.copy()
        first = named
        while not isinstance(first, exp.Select):
            first = first.this
        for projection in list(first.expressions):
            if not self._is_named(projection):
                name = _written(projection)
                projection.replace(exp.alias_(projection.copy(), name, quoted=True))
        return self.query(named)

    def _is_named(self, node: exp.Expr) -> bool:
        """Whether a column of a select list has a name without one being made for it."""
        if isinstance(node, exp.Column):
            return self._scope.constant(node.name.upper()) is None or bool(node.args.get("table"))
        return isinstance(node, (exp.Alias, exp.Star)) or self.expressions.emits(node)

    @contextmanager
    def _with(self, node: exp.Expr) -> Iterator[exp.With | None]:
        clause = node.args.get("with_")
        outer = list(self._ctes)
        try:
            if clause is None:
                yield None
                return
            own = []
            for cte in clause.expressions:
                alias = self._alias(cte.args["alias"])
                translated = exp.CTE(this=self.query(cte.this), alias=alias)
                self._ctes.append(translated)
                own.append(translated)
            yield exp.With(expressions=own)
        finally:
            self._ctes = outer

    def _set(self, node: exp.Expr) -> exp.Expr:
        parts = self._parts(node, skip=("with_", "this", "expression"))
        return type(node)(
            this=self.query(node.this), expression=self.query(node.args["expression"]), **parts
        )

    def _select(self, node: exp.Select) -> exp.Expr:
        emitting = self._emitting(node)
        if emitting is not None:
            return self._emitted(node, *emitting)
        parts = self._parts(node, skip=("with_", "from_", "joins", "expressions"))
        parts.update(self._sources(node))
        return exp.Select(expressions=[self._projection(p) for p in node.expressions], **parts)

    def _sources(self, node: exp.Select) -> dict[str, object]:
        parts: dict[str, object] = {}
        source = node.args.get("from_")
        if source is not None:
            parts["from_"] = exp.From(this=self.source(source.this))
        joins = node.args.get("joins") or []
        parts["joins"] = [self._join(join) for join in joins]
        return parts

    def _join(self, node: exp.Join) -> exp.Join:
        parts = dict(node.args)
        parts["this"] = self.source(node.this)
        if parts.get("on") is not None:
            parts["on"] = self.expressions.translate(parts["on"])
        if parts.get("using"):
            parts["using"] = [identifier(column) for column in parts["using"]]
        return exp.Join(**parts)

    def _projection(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Star):
            return exp.Star()
        if isinstance(node, exp.Alias):
            inner = self.expressions.translate(node.this)
            return exp.Alias(this=inner, alias=identifier(node.args["alias"]))
        return self.expressions.translate(node)

    def _parts(self, node: exp.Expr, skip: tuple[str, ...]) -> dict[str, object]:
        parts: dict[str, object] = {}
        for name, value in node.args.items():
            if name in skip or not value:
                continue
            if name == "distinct" and isinstance(value, exp.Distinct):
                parts[name] = exp.Distinct()
            elif isinstance(value, exp.Expr):
                parts[name] = self.expressions.translate(value)
            elif not isinstance(value, list):
                parts[name] = value
        return parts

    # --- sources -------------------------------------------------------------------------------

    def source(self, node: exp.Expr) -> exp.Expr:
        """A table, view or subquery in FROM, JOIN or USING."""
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            return self._subquery(node)
        if isinstance(node, exp.Values):
            return self._values(node)
        raise refused(60, f"{type(node).__name__.upper()} in FROM")

    def table_name(self, node: exp.Table) -> tuple[str, str]:
        """Schema and name of a table.

        :raises SqlError: 42000 where no schema is open or the named one does not exist.
        """
        if not isinstance(node.this, exp.Identifier):
            raise refused(60, f"the table function {node.sql('exasol')}")
        name, db = identifier(node.this).name, node.args.get("db")
        schema = identifier(db).name if db is not None else self._scope.current_schema
        if schema is None:
            raise SqlError("42000", f"object {name} not found: no schema is open")
        if not self._scope.catalog.has_schema(schema):
            raise SqlError("42000", f"schema {schema} not found")
        return schema, name

    def _table(self, node: exp.Table) -> exp.Expr:
        alias = self._alias(node.args["alias"]) if node.args.get("alias") else None
        db = node.args.get("db")
        if isinstance(node.this, exp.Identifier):
            name = identifier(node.this).name
            if db is None and any(cte.alias == name for cte in self._ctes):
                return exp.Table(this=identifier(node.this), alias=alias)
            system = system_table(name) if db is None or _in_system(db) else None
            if system is not None:
                return _derived(sqlglot.parse_one(system, read="duckdb"), alias, name)
        schema, name = self.table_name(node)
        view = self._scope.catalog.view(schema, name)
        if view is not None:
            return _derived(self._view(view), alias, name, view.columns)
        return exp.Table(
            this=exp.to_identifier(name, quoted=True),
            db=exp.to_identifier(schema, quoted=True),
            alias=alias,
        )

    def _view(self, view: View) -> exp.Expr:
        if self._depth >= _VIEW_DEPTH:
            raise SqlError("42000", f"view {view.schema}.{view.name} is nested too deeply")
        scope = Scope(
            catalog=self._scope.catalog,
            calls=self._scope.calls,
            current_schema=view.current_schema,
            user=self._scope.user,
            session_id=self._scope.session_id,
            statement_id=self._scope.statement_id,
        )
        tree = parse_statement(view.query)
        check_nodes(tree)
        return QueryTranslator(scope, self._depth + 1).top(tree)

    def _subquery(self, node: exp.Subquery) -> exp.Expr:
        alias = self._alias(node.args["alias"]) if node.args.get("alias") else None
        return exp.Subquery(this=self.query(node.this), alias=alias)

    def _values(self, node: exp.Values) -> exp.Expr:
        alias = self._alias(node.args["alias"]) if node.args.get("alias") else None
        return exp.Values(expressions=self.expressions.all(node.expressions), alias=alias)

    def _alias(self, node: exp.TableAlias) -> exp.TableAlias:
        columns = [identifier(column) for column in node.args.get("columns") or []]
        return exp.TableAlias(this=identifier(node.this), columns=columns)

    # --- calls that emit rows ------------------------------------------------------------------

    def _emitting(
        self, node: exp.Select
    ) -> tuple[int, UdfScript, exp.Anonymous, tuple[Column, ...] | None] | None:
        """Place, script, call and EMITS columns of the emitting call in a select list."""
        for place, projection in enumerate(node.expressions):
            target, outputs = projection, None
            if isinstance(projection, exp.Alias):
                target = projection.this
                if projection.alias.startswith(EMITS_ALIAS):
                    outputs = parse_columns(projection.alias[len(EMITS_ALIAS) : -1])
            if not isinstance(target, (exp.Anonymous, exp.Dot)):
                continue
            found = self.expressions.script_of(target)
            if found is not None and found[0].output == "EMITS":
                if outputs is None and target is not projection:
                    raise refused(63, "an alias on a call that EMITS rows")
                return place, found[0], found[1], outputs
            if outputs is not None:
                raise SqlError("42000", "EMITS is allowed for scripts that EMIT rows only")
        return None

    def _emitted(
        self,
        node: exp.Select,
        place: int,
        script: UdfScript,
        function: exp.Anonymous,
        outputs: tuple[Column, ...] | None,
    ) -> exp.Expr:
        """Run the call; the SELECT then reads what it emitted."""
        others = [p for i, p in enumerate(node.expressions) if i != place]
        if script.kind == "SET" and others:
            raise SqlError("42000", f"script {script.name} EMITS rows: it stands alone in a SELECT")
        for part in ("having", "qualify"):
            if node.args.get(part):
                raise refused(63, f"{part.upper()} beside a call that EMITS rows")
        group = node.args.get("group")
        if script.kind == "SCALAR" and group:
            raise refused(63, "GROUP BY beside a SCALAR script that EMITS rows")
        keys = self.expressions.all(group.expressions) if group else []
        plain, order = split_order(function.expressions)
        sorting: list[exp.Expr] = [exp.Ordered(this=key.copy(), nulls_first=False) for key in keys]
        sorting += self.expressions.all(order)
        arguments = self.expressions.arguments_for(script, plain)
        passed = [self._projection(p) for p in others]
        feed = exp.Select(
            expressions=[*passed, *_numbered("k", keys), *_numbered("a", arguments)]
            or [exp.Literal.number(0)],
            **self._sources(node),
        )
        if node.args.get("where"):
            feed.set("where", self.expressions.translate(node.args["where"]))
        if sorting:
            feed.set("order", exp.Order(expressions=sorting))
        if self._ctes:
            feed.set("with_", exp.With(expressions=[cte.copy() for cte in self._ctes]))
        call = EmittingCall(script, outputs, feed.sql("duckdb"), len(others), len(keys))
        return self._read(node, self._scope.calls.emitted(call), place, len(others))

    def _read(self, node: exp.Select, relation: str, place: int, passed: int) -> exp.Expr:
        parts = self._parts(node, skip=("with_", "from_", "joins", "expressions", "where", "group"))
        source = exp.From(this=exp.to_table(relation))
        columns: list[exp.Expr] = [exp.Star()]
        if passed > 0 and place < passed:
            raise refused(63, "an emitting call before other columns of the select list")
        return exp.Select(expressions=columns, from_=source, **parts)


def _in_system(db: exp.Identifier) -> bool:
    return identifier(db).name in SYSTEM_SCHEMAS


def _numbered(letter: str, nodes: list[exp.Expr]) -> list[exp.Expr]:
    return [exp.alias_(node, f"{letter}{i}") for i, node in enumerate(nodes)]


def _derived(
    query: exp.Expr, alias: exp.TableAlias | None, name: str, columns: tuple[str, ...] = ()
) -> exp.Subquery:
    """A query in place of a table, under the table's name and with the view's column names."""
    if alias is None:
        alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    if columns and not alias.args.get("columns"):
        alias.set("columns", [exp.to_identifier(column, quoted=True) for column in columns])
    return exp.Subquery(this=query, alias=alias)


def _written(node: exp.Expr) -> str:
    """The name of a column without an alias: its expression, as Exasol shows it."""
    if isinstance(node, exp.Column):
        return node.name.upper()
    text = node.sql(EmbeddedExasol, comments=False)
    # Every second part lies between quotes, where the letters' case is part of the value.
    parts = text.split("'")
    name = "'".join(p if number % 2 else p.upper() for number, p in enumerate(parts))
    return name[:_NAME_LIMIT]
