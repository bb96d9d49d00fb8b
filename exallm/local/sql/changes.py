"""Statements that change data: INSERT, UPDATE, DELETE, MERGE, TRUNCATE."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.sql.expressions import identifier
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused


class ChangeTranslator:
    """Translates the statements that change rows of one table."""

    def __init__(self, queries: QueryTranslator) -> None:
        self._queries = queries
        self._expressions = queries.expressions

    def translate(self, node: exp.Expr) -> exp.Expr:
        """One statement; its kind decides."""
        match node:
            case exp.Insert():
                return self._insert(node)
            case exp.Update():
                return self._update(node)
            case exp.Delete():
                return exp.Delete(this=self._target(node.this), where=self._where(node))
            case exp.Merge():
                return self._merge(node)
            case exp.TruncateTable():
                return exp.Delete(this=self._target(node.expressions[0]))
        raise refused(60, type(node).__name__.upper())

    def _target(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Schema):
            columns = [identifier(column) for column in node.expressions]
            return exp.Schema(this=self._target(node.this), expressions=columns)
        if not isinstance(node, exp.Table):
            raise refused(60, f"the target {node.sql('exasol')}")
        schema, name = self._queries.table_name(node)
        alias = node.args.get("alias")
        return exp.Table(
            this=exp.to_identifier(name, quoted=True),
            db=exp.to_identifier(schema, quoted=True),
            alias=exp.TableAlias(this=identifier(alias.this)) if alias else None,
        )

    def _where(self, node: exp.Expr) -> exp.Expr | None:
        where = node.args.get("where")
        return self._expressions.translate(where) if where is not None else None

    def _insert(self, node: exp.Insert) -> exp.Expr:
        source = node.args.get("expression")
        if source is None:
            raise refused(60, "INSERT without VALUES or a query")
        return exp.Insert(this=self._target(node.this), expression=self._queries.query(source))

    def _update(self, node: exp.Update) -> exp.Expr:
        return exp.Update(
            this=self._target(node.this),
            expressions=self._assignments(node),
            where=self._where(node),
        )

    def _assignments(self, node: exp.Expr) -> list[exp.Expr]:
        changes: list[exp.Expr] = []
        for change in node.expressions:
            column = exp.Column(this=identifier(change.this.this))
            changes.append(
                exp.EQ(this=column, expression=self._expressions.translate(change.expression))
            )
        return changes

    def _merge(self, node: exp.Merge) -> exp.Expr:
        whens = [self._when(when) for when in node.args["whens"].expressions]
        return exp.Merge(
            this=self._target(node.this),
            using=self._queries.source(node.args["using"]),
            on=self._expressions.translate(node.args["on"]),
            whens=exp.Whens(expressions=whens),
        )

    def _when(self, node: exp.When) -> exp.When:
        then = node.args["then"]
        if isinstance(then, exp.Update):
            action: exp.Expr = exp.Update(expressions=self._assignments(then))
        elif isinstance(then, exp.Insert) and isinstance(then.this, exp.Tuple):
            columns = [exp.Column(this=identifier(c.this)) for c in then.this.expressions]
            action = exp.Insert(
                this=exp.Tuple(expressions=columns),
                expression=self._expressions.translate(then.args["expression"]),
            )
        else:
            raise refused(60, "this action of MERGE")
        condition = node.args.get("condition")
        return exp.When(
            matched=node.args.get("matched"),
            condition=self._expressions.translate(condition) if condition is not None else None,
            then=action,
        )
