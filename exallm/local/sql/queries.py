"""Queries: SELECT, set operations and VALUES, from Exasol's SQL to DuckDB's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlglot import exp

from exallm.local.sql.dialect import EmbeddedExasol
from exallm.local.sql.emitting import EmittingSelects
from exallm.local.sql.environment import Environment, OutputColumn, TranslatedQuery
from exallm.local.sql.expressions import Expressions
from exallm.local.sql.kinds import Kind, common_kind, comparable, kind_of, settled, united
from exallm.local.sql.names import NAME_LIMIT, folded, stored_identifier
from exallm.local.sql.nodes import parsed
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.scope import Scope, View
from exallm.local.sql.sources import SourceTranslator, renamed
from exallm.local.sql.surface import EMITS_ALIAS
from exallm.local.sql_error import SqlError

_MARKER = re.compile(r":m\d+")
_VIEW_DEPTH = 50
_SETS = (exp.Union, exp.Except, exp.Intersect)


class QueryTranslator:
    """Translates the queries of one statement, and runs the calls in them that emit rows.

    :param depth: how many views the query is inside of.
    """

    def __init__(self, scope: Scope, depth: int = 0) -> None:
        self.scope = scope
        self._depth = depth
        self.ctes: dict[str, tuple[exp.CTE, TranslatedQuery]] = {}  # visible here, by name
        self.expressions = Expressions(scope, self)
        self.sources = SourceTranslator(self)
        self._emitting = EmittingSelects(self)

    def query(self, node: exp.Expr) -> TranslatedQuery:
        """A query: SELECT, set operation, or one of them in parentheses.

        :raises SqlError: 0A000 for what is not supported, 42000 for names that mean nothing.
        """
        if isinstance(node, exp.Subquery):
            if node.args.get("alias"):
                raise refused(60, "an alias on a query that is not in FROM")
            inner = self.query(node.this)
            return TranslatedQuery(exp.Subquery(this=inner.node), inner.columns)
        if isinstance(node, exp.Values):
            raise refused(60, "VALUES outside INSERT and FROM")
        if not isinstance(node, (exp.Select, *_SETS)):
            raise refused(60, type(node).__name__.upper())
        with self._with(node) as ctes:
            translated = self._select(node) if isinstance(node, exp.Select) else self._set(node)
        if ctes:
            translated.node.set("with_", exp.With(expressions=ctes))
        return translated

    def value_query(self, node: exp.Expr) -> tuple[exp.Expr, Kind]:
        """A query of one column in parentheses, with the kind of its values."""
        inner = self.query(node)
        if len(inner.columns) != 1:
            raise SqlError("42000", f"a subquery has {len(inner.columns)} columns in place of one")
        is_bare = not isinstance(inner.node, exp.Subquery)
        return exp.Subquery(this=inner.node) if is_bare else inner.node, inner.columns[0].kind

    def row_query(self, node: exp.Expr) -> exp.Expr:
        """A query of which only matters whether it gives rows."""
        inner = self.query(node).node
        return inner.this if isinstance(inner, exp.Subquery) else inner

    def values(self, node: exp.Values, names: Sequence[str]) -> TranslatedQuery:
        """``VALUES`` in FROM, as a query with these columns."""
        rows = [self.expressions.all(row.expressions) for row in node.expressions]
        if any(len(row) != len(names) for row in rows):
            raise SqlError("42000", f"VALUES has rows of another length than {len(names)}")
        columns = [
            settled(comparable(list(column), "VALUES")) for column in zip(*rows, strict=True)
        ]
        outputs = tuple(
            OutputColumn(name, common_kind(column))
            for name, column in zip(names, columns, strict=True)
        )
        tuples = [exp.Tuple(expressions=list(row)) for row in zip(*columns, strict=True)]
        return TranslatedQuery(exp.Values(expressions=tuples), outputs)

    def view_query(self, view: View) -> TranslatedQuery:
        """The query of a view, with the rights and the open schema that it has.

        :raises SqlError: 42000 for views inside views without an end, and for other columns than
            the view names.
        """
        if self._depth >= _VIEW_DEPTH:
            raise SqlError("42000", f"view {view.schema}.{view.name} is nested too deeply")
        inside = QueryTranslator(self.scope.inside(view), self._depth + 1)
        query = inside.query(parsed(view.query))
        if not view.columns:
            return query
        if len(view.columns) != len(query.columns):
            raise SqlError("42000", f"view {view.schema}.{view.name} names other columns")
        columns = zip(view.columns, query.columns, strict=True)
        return TranslatedQuery(query.node, tuple(OutputColumn(n, c.kind) for n, c in columns))

    @contextmanager
    def _with(self, node: exp.Expr) -> Iterator[list[exp.CTE]]:
        clause = node.args.get("with_")
        outer = dict(self.ctes)
        own: list[exp.CTE] = []
        try:
            for cte in clause.expressions if clause is not None else []:
                alias = cte.args["alias"]
                name, inner = folded(alias.this), self.query(cte.this)
                columns = renamed(inner.columns, alias)
                table = exp.TableAlias(
                    this=stored_identifier(name),
                    columns=[stored_identifier(column.name) for column in columns],
                )
                own.append(exp.CTE(this=inner.node, alias=table))
                self.ctes[name] = (own[-1], TranslatedQuery(inner.node, columns))
            yield own
        finally:
            self.ctes = outer

    # --- set operations ------------------------------------------------------------------------

    def _set(self, node: exp.Expr) -> TranslatedQuery:
        name = type(node).__name__.upper()
        if not isinstance(node, exp.Union) and not node.args.get("distinct"):
            raise refused(60, f"{name} ALL")
        left, right = self.query(node.this), self.query(node.args["expression"])
        if len(left.columns) != len(right.columns):
            raise SqlError("42000", f"the queries of {name} differ in their number of columns")
        columns = tuple(
            OutputColumn(one.name, united(one.kind, two.kind, name))
            for one, two in zip(left.columns, right.columns, strict=True)
        )
        order = node.args.get("order")
        result = type(node)(
            this=left.node,
            expression=right.node,
            distinct=bool(node.args.get("distinct")),
            order=exp.Order(expressions=self._set_order(order, columns)) if order else None,
            **self._bounds(node),
        )
        return TranslatedQuery(result, columns)

    def _set_order(self, order: exp.Order, columns: tuple[OutputColumn, ...]) -> list[exp.Expr]:
        keys: list[exp.Expr] = []
        for key in order.expressions:
            if isinstance(key.this, exp.Literal) and not key.this.is_string:
                this: exp.Expr = _position(key.this, len(columns))
            elif isinstance(key.this, exp.Column) and key.this.args.get("table") is None:
                name = folded(key.this.this)
                if name not in [column.name for column in columns]:
                    raise SqlError("42000", f"object {name} not found")
                this = exp.Column(this=stored_identifier(name))
            else:
                raise refused(62, "an expression in the ORDER BY of a set operation")
            keys.append(_ordered(key, this))
        return keys

    # --- SELECT --------------------------------------------------------------------------------

    def _select(self, node: exp.Select) -> TranslatedQuery:
        if not node.expressions:
            raise syntax_error("a select list is empty")
        environment, parts = self.sources.from_clause(node)
        environment.aliases = _aliased(node)
        with self.expressions.within(environment):
            emitting = self._emitting.select(node, environment, parts)
            if emitting is not None:
                return emitting
            translated = self.projections(node.expressions, environment)
            projections = [projection for projection, _ in translated]
            columns = tuple(column for _, found in translated for column in found)
            group = node.args.get("group")
            parts |= self._conditions(node)
            if group:
                keys = [self._group_key(key, node, len(columns)) for key in group.expressions]
                parts["group"] = exp.Group(expressions=keys)
            parts |= self.shape(node, columns, _aliases(node))
            if node.args.get("distinct"):
                _check_distinct(parts.get("order"), projections)
        return TranslatedQuery(exp.Select(expressions=projections, **parts), columns)

    def projections(
        self, nodes: Sequence[exp.Expr], environment: Environment
    ) -> list[tuple[exp.Expr, tuple[OutputColumn, ...]]]:
        """The parts of a select list, each with the columns that it gives."""
        return [self._projection(node, environment) for node in nodes]

    def shape(
        self, node: exp.Select, columns: tuple[OutputColumn, ...], aliases: frozenset[str]
    ) -> dict[str, object]:
        """ORDER BY, LIMIT and DISTINCT of a SELECT; its keys may be aliases of the list."""
        parts: dict[str, object] = dict(self._bounds(node))
        if node.args.get("distinct"):
            parts["distinct"] = exp.Distinct()
        order = node.args.get("order")
        if order:
            keys = [self._order_key(key, aliases, len(columns)) for key in order.expressions]
            parts["order"] = exp.Order(expressions=keys)
        return parts

    def _conditions(self, node: exp.Select) -> dict[str, object]:
        kinds = {"where": exp.Where, "having": exp.Having, "qualify": exp.Qualify}
        return {
            part: kind(this=self.expressions.condition(node.args[part].this))
            for part, kind in kinds.items()
            if node.args.get(part)
        }

    def _projection(
        self, node: exp.Expr, environment: Environment
    ) -> tuple[exp.Expr, tuple[OutputColumn, ...]]:
        if isinstance(node, exp.Star):
            if not environment.sources:
                raise syntax_error("* without FROM")
            return exp.Star(), environment.all_columns()
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            db = node.args.get("db")
            source = environment.table(
                folded(node.args["table"]), folded(db) if db is not None else None
            )
            alias = exp.to_identifier(source.alias, quoted=True)
            return exp.Column(this=exp.Star(), table=alias), source.columns
        if isinstance(node, exp.Alias):
            name, inner = folded(node.args["alias"]), self.expressions.translate(node.this)
        else:
            inner = self.expressions.translate(node)
            is_column = isinstance(node, exp.Column) and isinstance(inner, exp.Column)
            name = folded(node.this) if is_column else _written(node)
        (inner,) = settled([inner])
        projection = exp.Alias(this=inner, alias=stored_identifier(name))
        return projection, (OutputColumn(name, kind_of(inner)),)

    def _group_key(self, node: exp.Expr, select: exp.Select, count: int) -> exp.Expr:
        """A key of GROUP BY: an expression, a position, or ROLLUP, CUBE and GROUPING SETS."""
        if isinstance(node, exp.Literal) and not node.is_string:
            return _position(node, count)
        return self._grouping(node, select)

    def _grouping(self, node: exp.Expr, select: exp.Select) -> exp.Expr:
        """A part of ROLLUP, CUBE or GROUPING SETS: keys, and lists of them in parentheses."""
        if isinstance(node, (exp.Rollup, exp.Cube, exp.GroupingSets)):
            return type(node)(expressions=[self._grouping(p, select) for p in node.expressions])
        if isinstance(node, exp.Tuple):
            return exp.Tuple(expressions=[self._grouping(p, select) for p in node.expressions])
        if isinstance(node, exp.Paren):
            return exp.Paren(this=self._grouping(node.this, select))
        if isinstance(node, exp.Literal) and not node.is_string:
            if any(projection.is_star for projection in select.expressions):
                raise refused(62, "a position in ROLLUP, CUBE or GROUPING SETS beside *")
            number = int(_position(node, len(select.expressions)).this)
            node = select.expressions[number - 1].unalias()
        return self.expressions.translate(node)

    def _order_key(self, key: exp.Expr, aliases: frozenset[str], count: int) -> exp.Expr:
        node = key.this
        if isinstance(node, exp.Literal) and not node.is_string:
            return _ordered(key, _position(node, count))
        if isinstance(node, exp.Column) and _unqualified(node) in aliases:
            return _ordered(key, exp.Column(this=stored_identifier(_unqualified(node))))
        if isinstance(node, (exp.Literal, exp.Null, exp.Boolean)):
            raise refused(62, "a constant in ORDER BY")
        environment = self.expressions.environment
        assert environment is not None
        with environment.with_aliases_first():
            return _ordered(key, self.expressions.translate(node))

    def _bounds(self, node: exp.Expr) -> dict[str, exp.Expr]:
        """LIMIT and OFFSET."""
        parts: dict[str, exp.Expr] = {}
        for part, kind in (("limit", exp.Limit), ("offset", exp.Offset)):
            bound = node.args.get(part)
            if bound is None:
                continue
            number = bound.expression
            if not isinstance(number, exp.Literal) or not number.this.isdecimal():
                raise refused(62, f"{part.upper()} {number.sql('exasol')}")
            parts[part] = kind(expression=exp.Literal.number(number.this))
        return parts


def _check_distinct(order: object, projections: Sequence[exp.Expr]) -> None:
    """Of rows that became one, a column outside the list has no value to sort by."""
    listed = [part.this if isinstance(part, exp.Alias) else part for part in projections]
    if any(isinstance(part, exp.Star) or part.is_star for part in projections):
        return
    for key in order.expressions if isinstance(order, exp.Order) else []:
        column = key.this
        is_name = isinstance(column, exp.Column) and column.args.get("table") is None
        if not is_name and not isinstance(column, exp.Literal) and column not in listed:
            raise SqlError("42000", "ORDER BY with DISTINCT takes what the select list has")


def _position(node: exp.Expr, count: int) -> exp.Expr:
    """A number that stands for a column of the select list."""
    if not node.this.isdecimal() or not 1 <= int(node.this) <= count:
        raise SqlError("42000", f"{node.this} is not the position of a column")
    return exp.Literal.number(node.this)


def _ordered(key: exp.Expr, this: exp.Expr) -> exp.Ordered:
    return exp.Ordered(
        this=this, desc=key.args.get("desc"), nulls_first=key.args.get("nulls_first")
    )


def _unqualified(node: exp.Column) -> str:
    """The name of a column that is not qualified, '' for another."""
    if node.args.get("table") is not None or not isinstance(node.this, exp.Identifier):
        return ""
    return node.name if node.this.args.get("quoted") else node.name.upper()


def _aliases(node: exp.Select) -> frozenset[str]:
    """The aliases of a select list that are new names."""
    return frozenset(
        folded(projection.args["alias"])
        for projection in node.expressions
        if isinstance(projection, exp.Alias) and not _keeps_name(projection)
    )


def _aliased(node: exp.Select) -> dict[str, exp.Expr]:
    """The expressions of a select list by their aliases."""
    found: dict[str, exp.Expr] = {}
    for projection in node.expressions:
        if isinstance(projection, exp.Alias) and not projection.alias.startswith(EMITS_ALIAS):
            found.setdefault(folded(projection.args["alias"]), projection.this)
    return found


def _keeps_name(node: exp.Alias) -> bool:
    """Whether an alias is the name that its column has anyway."""
    return isinstance(node.this, exp.Column) and _unqualified(node.this) == folded(
        node.args["alias"]
    )


def _written(node: exp.Expr) -> str:
    """The name of a column without an alias: its expression, as Exasol shows it."""
    if isinstance(node, exp.Column):
        return node.name.upper()
    text = node.sql(EmbeddedExasol, comments=False)
    # Every second part lies between quotes, where the letters' case is part of the value.
    parts = text.split("'")
    parts[::2] = [_MARKER.sub("?", part).upper() for part in parts[::2]]
    name = "'".join(parts)
    return name[:NAME_LIMIT]
