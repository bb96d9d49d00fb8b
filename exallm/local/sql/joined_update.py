"""``UPDATE t SET ... FROM t, u WHERE ...``: new values out of a join with the table itself."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.assignments import assigned_columns, is_default
from exallm.local.sql.environment import Source
from exallm.local.sql.kinds import call, convert
from exallm.local.sql.names import MARK, stored_identifier
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError

_ROW = f"{MARK}row"
_UNSTABLE = "[42000] Unable to get a stable set of rows in the source tables"


class JoinedUpdate:
    """Translates one UPDATE with FROM.

    The join is read first, as one row for each row to change; so any kind of join will do. A row
    that the join meets twice must get the same values both times.
    """

    def __init__(
        self,
        queries: QueryTranslator,
        table: exp.Table,
        target: Source,
        columns: tuple[Column, ...],
    ) -> None:
        self._queries = queries
        self._table = table
        self._target = target
        self._columns = columns

    def translate(self, node: exp.Update) -> exp.Expr:
        """The statement for DuckDB.

        :raises SqlError: 42000 where FROM does not have the table that is changed.
        """
        clause = node.args["from_"]
        select = exp.Select(from_=exp.From(this=clause.this.copy()))
        first = select.args["from_"].this
        select.set("joins", first.args.get("joins"))
        first.set("joins", None)
        environment, parts = self._queries.sources.from_clause(select)
        met = [source for source in environment.sources if source.name == self._target.name]
        if len(met) != 1:
            raise SqlError("42000", f"FROM of UPDATE does not have {self._target.name} once")
        expressions = self._queries.expressions
        values: list[exp.Expr] = []
        assigned = assigned_columns(node, self._columns, self._target)
        with expressions.within(environment):
            for column, value in assigned:
                if is_default(value):
                    raise refused(60, "DEFAULT in an UPDATE with FROM")
                values.append(convert(expressions.translate(value), column.type))
            if node.args.get("where"):
                parts["where"] = exp.Where(this=expressions.condition(node.args["where"].this))
        return self._update(assigned, values, met[0], parts)

    def _update(
        self,
        assigned: list[tuple[Column, exp.Expr]],
        values: list[exp.Expr],
        met: Source,
        parts: dict[str, object],
    ) -> exp.Expr:
        row = exp.Column(
            this=exp.to_identifier("rowid"), table=exp.to_identifier(met.alias, quoted=True)
        )
        joined = exp.Select(
            expressions=[_named(row, _ROW), *(_named(v, _name(i)) for i, v in enumerate(values))],
            **parts,
        )
        single = exp.Select(
            expressions=[
                _named(_column(_ROW), _ROW),
                *(_named(_only(_name(i)), _name(i)) for i in range(len(values))),
            ],
            from_=exp.From(this=exp.Subquery(this=joined, alias=_alias(f"{MARK}joined"))),
            group=exp.Group(expressions=[_column(_ROW)]),
        )
        source = f"{MARK}source"
        own = exp.Column(
            this=exp.to_identifier("rowid"),
            table=exp.to_identifier(self._target.alias, quoted=True),
        )
        return exp.Update(
            this=self._table,
            expressions=[
                exp.EQ(
                    this=exp.Column(this=stored_identifier(column.name)),
                    expression=_column(_name(i), source),
                )
                for i, (column, _) in enumerate(assigned)
            ],
            from_=exp.From(this=exp.Subquery(this=single, alias=_alias(source))),
            where=exp.Where(this=exp.EQ(this=own, expression=_column(_ROW, source))),
        )


def _only(name: str) -> exp.Expr:
    """The value that all rows of a group have; DuckDB fails where they have several."""
    column = _column(name)
    known, rows = call("count", column.copy()), call("count", exp.Star())
    some_are_null = exp.And(
        this=exp.GT(this=known, expression=exp.Literal.number(0)),
        expression=exp.LT(this=known.copy(), expression=rows),
    )
    differ = exp.NEQ(this=call("min", column.copy()), expression=call("max", column.copy()))
    case = exp.Case().when(
        exp.Or(this=exp.Paren(this=some_are_null), expression=exp.Paren(this=differ)),
        call("error", _UNSTABLE),
        copy=False,
    )
    return case.else_(call("min", column), copy=False)


def _name(number: int) -> str:
    return f"{MARK}{number}"


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))


def _column(name: str, table: str | None = None) -> exp.Column:
    qualifier = exp.to_identifier(table, quoted=True) if table else None
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=qualifier)


def _named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.Alias(this=node, alias=exp.to_identifier(name, quoted=True))
