"""A SELECT with the call of a script that EMITS rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.environment import Environment, OutputColumn, Source, TranslatedQuery
from exallm.local.sql.expressions import Expressions
from exallm.local.sql.kinds import Kind
from exallm.local.sql.names import MARK, stored_identifier
from exallm.local.sql.refusal import refused
from exallm.local.sql.scope import EmittingCall, Scope
from exallm.local.sql.script_calls import split_order
from exallm.local.sql.surface import EMITS_ALIAS
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript, parse_columns


class Queries(Protocol):
    """Translates the parts of a SELECT that stand around the call.

    :param ctes: what the names of WITH mean here.
    """

    scope: Scope
    expressions: Expressions
    ctes: dict[str, tuple[exp.CTE, TranslatedQuery]]

    def projections(
        self, nodes: Sequence[exp.Expr], environment: Environment
    ) -> list[tuple[exp.Expr, tuple[OutputColumn, ...]]]:
        """The parts of a select list, each with the columns that it gives."""

    def shape(
        self, node: exp.Select, columns: tuple[OutputColumn, ...], aliases: frozenset[str]
    ) -> dict[str, object]:
        """ORDER BY, LIMIT and DISTINCT; its keys may be aliases of the list."""


@dataclass(frozen=True)
class _Found:
    """The emitting call of a select list.

    :param place: its place in the list.
    :param outputs: the columns after EMITS in the SELECT, None where there are none.
    """

    place: int
    script: UdfScript
    call: exp.Anonymous
    outputs: tuple[Column, ...] | None


class EmittingSelects:
    """Translates SELECTs whose list has a call that emits rows: the call runs at once."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def select(
        self, node: exp.Select, environment: Environment, parts: dict[str, object]
    ) -> TranslatedQuery | None:
        """The query that reads what the call emitted, None where nothing in the list emits.

        :param parts: FROM and its joins, translated.
        """
        found = self._find(node)
        if found is None:
            return None
        self._check(node, found)
        environment.outer = None  # the rows go in before any outer query reads its own
        expressions = self._queries.expressions
        others = [p for i, p in enumerate(node.expressions) if i != found.place]
        passed = self._queries.projections(others, environment)
        columns = tuple(column for _, outputs in passed for column in outputs)
        group = node.args.get("group")
        keys = expressions.all(group.expressions) if group else []
        plain, order = split_order(found.call.expressions)
        sorting: list[exp.Expr] = [exp.Ordered(this=key.copy(), nulls_first=False) for key in keys]
        sorting += expressions.order(order)
        arguments = expressions.scripts.arguments(found.script, plain)
        feed = exp.Select(
            expressions=[
                *(projection for projection, _ in passed),
                *_numbered("k", keys),
                *_numbered("a", arguments or [exp.Literal.number(0)]),
            ],
            **parts,
        )
        if node.args.get("where"):
            feed.set("where", exp.Where(this=expressions.condition(node.args["where"].this)))
        if sorting:
            feed.set("order", exp.Order(expressions=sorting))
        if self._queries.ctes:
            ctes = [cte.copy() for cte, _ in self._queries.ctes.values()]
            feed.set("with_", exp.With(expressions=ctes))
        call = EmittingCall(
            found.script,
            found.outputs,
            feed.sql("duckdb"),
            len(columns),
            len(keys),
            len(arguments),
            self._queries.scope.rights.user,
        )
        relation, emitted = self._queries.scope.calls.emitted(call)
        known = [OutputColumn(column.name, Kind.of_type(column.type)) for column in emitted]
        return self._read(node, relation, (*columns, *known))

    def _find(self, node: exp.Select) -> _Found | None:
        for place, projection in enumerate(node.expressions):
            target, outputs = projection, None
            if isinstance(projection, exp.Alias):
                target = projection.this
                if projection.alias.startswith(EMITS_ALIAS):
                    outputs = parse_columns(projection.alias[len(EMITS_ALIAS) : -1])
            if not isinstance(target, (exp.Anonymous, exp.Dot)):
                continue
            found = self._queries.expressions.scripts.find(target)
            if found is not None and found[0].output == "EMITS":
                if outputs is None and target is not projection:
                    raise refused(63, "an alias on a call that EMITS rows")
                return _Found(place, found[0], found[1], outputs)
            if outputs is not None:
                raise SqlError("42000", "EMITS is allowed for scripts that EMIT rows only")
        return None

    def _check(self, node: exp.Select, found: _Found) -> None:
        script = found.script
        if script.kind == "SET" and len(node.expressions) > 1:
            raise SqlError("42000", f"script {script.name} EMITS rows: it stands alone in a SELECT")
        for part in ("having", "qualify"):
            if node.args.get(part):
                raise refused(63, f"{part.upper()} beside a call that EMITS rows")
        if script.kind == "SCALAR" and node.args.get("group"):
            raise refused(63, "GROUP BY beside a SCALAR script that EMITS rows")
        if found.place < len(node.expressions) - 1:
            raise refused(63, "an emitting call before other columns of the select list")

    def _read(
        self, node: exp.Select, relation: str, columns: tuple[OutputColumn, ...]
    ) -> TranslatedQuery:
        source = Source(None, None, f"{relation}{MARK}", columns)
        renamed = exp.Select(
            expressions=[
                exp.Alias(
                    this=exp.Column(this=exp.to_identifier(f"c{i}", quoted=True)),
                    alias=stored_identifier(column.name),
                )
                for i, column in enumerate(columns)
            ],
            from_=exp.From(this=exp.Table(this=exp.to_identifier(relation, quoted=True))),
        )
        alias = exp.TableAlias(this=exp.to_identifier(source.alias, quoted=True))
        with self._queries.expressions.within(Environment(None, [source])):
            # The aliases of the list are columns of the relation now.
            shape = self._queries.shape(node, columns, frozenset())
        result = exp.Select(
            expressions=[exp.Star()],
            from_=exp.From(this=exp.Subquery(this=renamed, alias=alias)),
            **shape,
        )
        return TranslatedQuery(result, columns)


def _numbered(letter: str, nodes: list[exp.Expr]) -> list[exp.Expr]:
    """Columns under names that no user's column has."""
    return [
        exp.Alias(this=node, alias=exp.to_identifier(f"{MARK}{letter}{i}", quoted=True))
        for i, node in enumerate(nodes)
    ]
