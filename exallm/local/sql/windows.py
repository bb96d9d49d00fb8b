"""Aggregates with a clause behind them: OVER, WITHIN GROUP, and the lists of LISTAGG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlglot import exp

from exallm.local.sql.aggregate_functions import DUCKDB_AGGREGATES
from exallm.local.sql.functions import AGGREGATE, WINDOW, listed
from exallm.local.sql.kinds import (
    DOUBLE,
    as_text,
    call,
    cast,
    is_text_literal,
    kind_of,
    mixed,
    typed,
)
from exallm.local.sql.refusal import refused
from exallm.local.sql.script_calls import UDF_CALL, ScriptCalls, call_name
from exallm.local.sql_error import SqlError

_WITH_NULLS: dict[str, type[exp.Expr]] = {
    "FIRST_VALUE": exp.FirstValue,
    "LAG": exp.Lag,
    "LAST_VALUE": exp.LastValue,
    "LEAD": exp.Lead,
    "NTH_VALUE": exp.NthValue,
}


class Translator(Protocol):
    """Translates what stands inside these clauses."""

    scripts: ScriptCalls

    def translate(self, node: exp.Expr) -> exp.Expr:
        """One expression."""

    def all(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """Several expressions."""

    def order(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """The keys of an ORDER BY."""

    def function(self, node: exp.Anonymous, window: bool = False) -> exp.Expr:
        """The call of a function."""


class Windows:
    """Translates aggregates and window functions with their clauses."""

    def __init__(self, expressions: Translator) -> None:
        self._expressions = expressions

    def window(self, node: exp.Window) -> exp.Expr:
        """``function(...) [IGNORE NULLS] OVER (...)``."""
        target, ignores_nulls = node.this, False
        if isinstance(target, (exp.IgnoreNulls, exp.RespectNulls)):
            ignores_nulls, target = isinstance(target, exp.IgnoreNulls), target.this
        if isinstance(target, exp.GroupConcat):
            return self._over(self.list_of_texts(target), node)
        if isinstance(target, exp.WithinGroup):
            return self._over(self.percentile(target), node)
        if not isinstance(target, exp.Anonymous) or self._expressions.scripts.find(target):
            raise refused(62, f"OVER after {target.sql('exasol')}")
        name = call_name(target)
        function = self._expressions.function(target, window=True)
        if name not in {**AGGREGATE, **WINDOW}:
            raise refused(62, f"{name} with OVER")
        if node.this is not target and name not in _WITH_NULLS:
            raise refused(62, f"{name} with IGNORE NULLS or RESPECT NULLS")
        if ignores_nulls:
            # sqlglot writes IGNORE NULLS for its own nodes of these functions only.
            parts = dict(zip(("this", "offset", "default"), function.expressions, strict=False))
            function = typed(exp.IgnoreNulls(this=_WITH_NULLS[name](**parts)), kind_of(function))
        result = self._over(function, node, whole=name in WINDOW)
        if name == "RATIO_TO_REPORT":
            (value,) = function.expressions
            whole = cast(call("nullif", result, 0), "DOUBLE")
            ratio = exp.Div(this=cast(value.copy(), "DOUBLE"), expression=whole)
            return typed(exp.Paren(this=ratio), DOUBLE)
        return result

    def percentile(self, node: exp.WithinGroup) -> exp.Expr:
        """``PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x)``, and PERCENTILE_DISC."""
        target, order = node.this, node.expression
        name = call_name(target) if isinstance(target, exp.Anonymous) else ""
        if name not in ("PERCENTILE_CONT", "PERCENTILE_DISC") or len(target.expressions) != 1:
            raise refused(62, f"WITHIN GROUP after {target.sql('exasol')}")
        if not isinstance(order, exp.Order) or len(order.expressions) != 1:
            raise SqlError("42000", f"{name} takes one ORDER BY key")
        (key,) = self._expressions.order(order.expressions)
        kind, share = kind_of(key.this), self._expressions.translate(target.expressions[0])
        if not kind_of(share).is_number:
            raise mixed(f"{kind_of(share).name} as an argument of {name}")
        if key.args.get("desc"):
            share = exp.Paren(this=exp.Sub(this=exp.Literal.number(1), expression=share))
        if name == "PERCENTILE_DISC":
            if key.args.get("desc"):
                raise refused(62, "PERCENTILE_DISC with a descending order")
            return typed(call("quantile_disc", key.this, cast(share, "DOUBLE")), kind)
        if not kind.is_number:
            raise mixed(f"{kind.name} as an argument of {name}")
        value = cast(key.this, "DOUBLE")
        return typed(call("quantile_cont", value, cast(share, "DOUBLE")), DOUBLE)

    def list_of_texts(self, node: exp.GroupConcat) -> exp.Expr:
        """``LISTAGG`` and ``GROUP_CONCAT``."""
        subject, order = node.this, None
        if isinstance(subject, exp.Order):
            subject, order = subject.this, subject.expressions
        distinct = isinstance(subject, exp.Distinct)
        value = as_text(
            self._expressions.translate(subject.expressions[0] if distinct else subject)
        )
        separator = node.args.get("separator")
        if separator is not None and not is_text_literal(separator):
            raise refused(62, "a separator of LISTAGG that is no text")
        if separator is None and node.meta.get("listagg"):
            raise refused(62, "LISTAGG without a separator")
        second: exp.Expr = exp.Literal.string("," if separator is None else separator.name)
        if order:
            keys = self._expressions.order(order)
            if distinct and any(key.this != value for key in keys):
                raise refused(62, "another ORDER BY in LISTAGG(DISTINCT ...) than its text")
            second = exp.Order(this=second, expressions=keys)
        return listed(exp.Distinct(expressions=[value]) if distinct else value, second)

    def _over(self, function: exp.Expr, node: exp.Window, whole: bool = False) -> exp.Expr:
        """The translated function with a window behind each aggregate that it consists of.

        :param whole: it is one call of DuckDB's: the aggregates in it are its arguments.
        """
        order, spec = node.args.get("order"), node.args.get("spec")
        partition = self._expressions.all(node.args.get("partition_by") or [])
        keys = self._expressions.order(order.expressions) if order else []
        for script in [
            found for key in (*partition, *keys) for found in key.find_all(exp.Anonymous)
        ]:
            if script.name == "random":
                raise refused(62, "RANDOM() as a key of a window")
            if script.name.startswith(UDF_CALL):
                script.set("this", script.name.replace(UDF_CALL, f"{UDF_CALL}stable_"))
        frame = self._frame(spec) if spec else None

        def window(call: exp.Expr) -> exp.Expr:
            return exp.Window(
                this=call,
                partition_by=[key.copy() for key in partition],
                order=exp.Order(expressions=[key.copy() for key in keys]) if keys else None,
                spec=frame.copy() if frame is not None else None,
                over="OVER",
            )

        calls = [] if whole or _is_aggregate(function) else _aggregates(function)
        if not calls:
            return typed(window(function), kind_of(function))
        for aggregate in calls:
            aggregate.replace(window(aggregate.copy()))
        return function

    def _frame(self, node: exp.WindowSpec) -> exp.WindowSpec:
        parts = {
            key: self._expressions.translate(value) if isinstance(value, exp.Expr) else value
            for key, value in node.args.items()
        }
        return exp.WindowSpec(**parts)


def _aggregates(node: exp.Expr) -> list[exp.Expr]:
    """The outermost aggregates that a translated function consists of."""
    return [found for found in node.walk(prune=_is_aggregate) if _is_aggregate(found)]


def _is_aggregate(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name in DUCKDB_AGGREGATES
