"""Statements that change data: INSERT, UPDATE, DELETE, MERGE, TRUNCATE."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.assignments import assigned_columns, chosen, is_default
from exallm.local.sql.environment import Environment, Source, TranslatedQuery
from exallm.local.sql.joined_update import JoinedUpdate
from exallm.local.sql.kinds import convert, typed
from exallm.local.sql.names import MARK, folded, stored_identifier
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql_error import SqlError


class ChangeTranslator:
    """Translates the statements that change rows of one table.

    Every value is converted to the type of its column as Exasol does it.
    """

    def __init__(self, queries: QueryTranslator) -> None:
        self._queries = queries
        self._expressions = queries.expressions

    def translate(self, node: exp.Expr) -> exp.Expr:
        """One statement; its kind decides.

        :raises SqlError: 42000 for a table or column that does not exist, 0A000 for what is not
            supported.
        """
        match node:
            case exp.Insert():
                return self._insert(node)
            case exp.Update():
                return self._update(node)
            case exp.Delete():
                table, source, _ = self._queries.sources.target(node.this, "DELETE")
                return exp.Delete(this=table, where=self._where(node, [source]))
            case exp.Merge():
                return self._merge(node)
            case exp.TruncateTable():
                table, _, _ = self._queries.sources.target(node.expressions[0], "DELETE")
                return exp.Delete(this=table)
        raise refused(60, type(node).__name__.upper())

    def _where(self, node: exp.Expr, sources: list[Source]) -> exp.Where | None:
        where = node.args.get("where")
        if where is None:
            return None
        with self._expressions.within(Environment(None, sources)):
            return exp.Where(this=self._expressions.condition(where.this))

    # --- INSERT --------------------------------------------------------------------------------

    def _insert(self, node: exp.Insert) -> exp.Expr:
        if node.args.get("where"):
            raise syntax_error("INSERT has no WHERE but in MERGE")
        listed = node.this.expressions if isinstance(node.this, exp.Schema) else []
        named = node.this.this if isinstance(node.this, exp.Schema) else node.this
        table, columns = self._target_columns(named)
        columns = chosen(columns, [folded(column) for column in listed]) if listed else columns
        source = node.args.get("expression")
        if isinstance(source, exp.Values):
            rows = self._of_parameters(self._values(source, columns))
        elif source is not None:
            rows = self.assigned(self._queries.query(source), columns)
        else:
            raise refused(60, "INSERT without VALUES or a query")
        names = [stored_identifier(column.name) for column in columns]
        return exp.Insert(this=exp.Schema(this=table, expressions=names), expression=rows)

    def _of_parameters(self, values: exp.Values) -> exp.Expr:
        """VALUES, once for every row of the relation that holds the parameters, if there is one."""
        parameters = self._queries.scope.parameters
        if parameters is None or parameters.relation is None:
            return values
        (row,) = values.expressions
        relation = exp.Table(this=exp.to_identifier(parameters.relation, quoted=True))
        return exp.Select(expressions=row.expressions, from_=exp.From(this=relation))

    def assigned(self, query: TranslatedQuery, columns: Sequence[Column]) -> exp.Expr:
        """The rows of a query as values of these columns.

        :raises SqlError: 42000 where the numbers of columns differ.
        """
        _check_count(len(query.columns), len(columns))
        names = [exp.to_identifier(f"{MARK}{i}", quoted=True) for i in range(len(columns))]
        values = [
            convert(typed(exp.Column(this=name.copy()), found.kind), column.type)
            for name, found, column in zip(names, query.columns, columns, strict=True)
        ]
        inner = query.node.this if isinstance(query.node, exp.Subquery) else query.node
        alias = exp.TableAlias(this=exp.to_identifier(MARK, quoted=True), columns=names)
        source = exp.Subquery(this=inner, alias=alias)
        return exp.Select(expressions=values, from_=exp.From(this=source))

    def _values(self, node: exp.Values, columns: Sequence[Column]) -> exp.Values:
        rows = []
        for row in node.expressions:
            values = row.expressions if isinstance(row, exp.Tuple) else [row]
            _check_count(len(values), len(columns))
            rows.append(
                exp.Tuple(
                    expressions=[
                        self._value(value, column)
                        for value, column in zip(values, columns, strict=True)
                    ]
                )
            )
        return exp.Values(expressions=rows)

    def _value(self, node: exp.Expr, column: Column) -> exp.Expr:
        if is_default(node):
            return exp.var("DEFAULT")
        return convert(self._expressions.translate(node), column.type)

    def _target_columns(self, node: exp.Expr) -> tuple[exp.Table, tuple[Column, ...]]:
        """The table of an INSERT, which takes no alias, and its columns."""
        if isinstance(node, exp.Table) and node.args.get("alias"):
            raise refused(60, "an alias for the target of INSERT")
        table, _, columns = self._queries.sources.target(node, "INSERT")
        table.set("alias", None)
        return table, columns

    # --- UPDATE and MERGE ----------------------------------------------------------------------

    def _update(self, node: exp.Update) -> exp.Expr:
        table, source, columns = self._queries.sources.target(node.this, "UPDATE")
        if node.args.get("from_"):
            return JoinedUpdate(self._queries, table, source, columns).translate(node)
        with self._expressions.within(Environment(None, [source])):
            changes = self._assignments(node, columns, source)
        return exp.Update(this=table, expressions=changes, where=self._where(node, [source]))

    def _assignments(
        self, node: exp.Expr, columns: tuple[Column, ...], target: Source
    ) -> list[exp.Expr]:
        return [
            exp.EQ(
                this=exp.Column(this=stored_identifier(column.name)),
                expression=self._value(value, column),
            )
            for column, value in assigned_columns(node, columns, target)
        ]

    def _merge(self, node: exp.Merge) -> exp.Expr:
        needed = {_privilege(when) for when in node.args["whens"].expressions}
        table, target, columns = self._queries.sources.target(node.this, *sorted(needed))
        using, source = self._queries.sources.source(node.args["using"])
        with self._expressions.within(Environment(None, [target, source])):
            on = self._expressions.condition(node.args["on"])
            whens = [self._when(w, columns, target, source) for w in node.args["whens"].expressions]
        return exp.Merge(this=table, using=using, on=on, whens=exp.Whens(expressions=whens))

    def _when(
        self, node: exp.When, columns: tuple[Column, ...], target: Source, source: Source
    ) -> exp.When:
        then, condition = node.args["then"], node.args.get("condition")
        where = then.args.get("where") if isinstance(then, (exp.Update, exp.Insert)) else None
        if where is not None:
            condition = where.this
        if isinstance(then, exp.Update):
            changes = self._assignments(then, columns, target)
            action: exp.Expr = exp.Update(expressions=changes)
        elif isinstance(then, exp.Insert):
            with self._expressions.within(Environment(None, [source])):
                action = self._merge_insert(then, columns)
        elif isinstance(then, exp.Var) and then.name.upper() == "DELETE":
            action = exp.var("DELETE")
        else:
            raise refused(60, "this action of MERGE")
        return exp.When(
            matched=node.args.get("matched"),
            condition=self._expressions.condition(condition) if condition is not None else None,
            then=action,
        )

    def _merge_insert(self, node: exp.Insert, columns: tuple[Column, ...]) -> exp.Insert:
        values = node.args.get("expression")
        if not isinstance(values, exp.Tuple):
            raise refused(60, "this INSERT of MERGE")
        if isinstance(node.this, exp.Tuple):
            columns = chosen(columns, [folded(column.this) for column in node.this.expressions])
        _check_count(len(values.expressions), len(columns))
        converted = [
            self._value(value, column)
            for value, column in zip(values.expressions, columns, strict=True)
        ]
        names = [exp.Column(this=stored_identifier(column.name)) for column in columns]
        return exp.Insert(
            this=exp.Tuple(expressions=names), expression=exp.Tuple(expressions=converted)
        )


def _privilege(when: exp.When) -> str:
    """What a clause of MERGE needs on the table that it changes."""
    then = when.args["then"]
    return type(then).__name__.upper() if isinstance(then, (exp.Insert, exp.Update)) else "DELETE"


def _check_count(found: int, expected: int) -> None:
    if found != expected:
        raise SqlError("42000", f"{found} values for {expected} columns")
