"""Arithmetic: kinds and precisions as Exasol has them."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import DECIMAL_LIMIT
from exallm.local.sql.kinds import (
    DAY,
    DOUBLE,
    TIME,
    WHOLE,
    Kind,
    as_decimal,
    call,
    cast,
    kind_of,
    mixed,
    typed,
)

_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


def calculated(operator: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``left + right``, ``-`` or ``*``; days may be added to a time, and DATEs subtracted.

    :raises SqlError: 0A000 for other operands than numbers.
    """
    kinds = kind_of(left), kind_of(right)
    if kinds[0] == DAY and kinds[1].is_whole and operator in (exp.Add, exp.Sub):
        moved = operator(this=left, expression=cast(right, "INTEGER"))
        return typed(exp.Paren(this=moved), DAY)
    if kinds[0] == TIME and kinds[1].is_whole and operator in (exp.Add, exp.Sub):
        days = right if operator is exp.Add else exp.Neg(this=exp.Paren(this=right))
        return typed(call("exallm_add_days", left, days), TIME)
    if kinds == (DAY, DAY) and operator is exp.Sub:
        return typed(exp.Paren(this=exp.Sub(this=left, expression=right)), WHOLE)
    _check(_SIGNS[operator], *kinds)
    if any(kind.name == "NULL" for kind in kinds):
        known = next((kind for kind in kinds if kind.name != "NULL"), DOUBLE)
        return typed(exp.Paren(this=operator(this=left, expression=right)), known)
    if any(kind.name == "DOUBLE" for kind in kinds):
        return typed(exp.Paren(this=operator(this=left, expression=right)), DOUBLE)
    return _decimal(operator, left, right)


def divided(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``left / right``, a DOUBLE; division by zero fails the statement."""
    _check("/", kind_of(left), kind_of(right))
    quotient = exp.Div(this=left, expression=call("exallm_divisor", right))
    return typed(exp.Paren(this=quotient), DOUBLE)


def negated(node: exp.Expr) -> exp.Expr:
    """``-node``."""
    _check("-", kind_of(node))
    return typed(exp.Paren(this=exp.Neg(this=node)), kind_of(node))


def _decimal(operator: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Exact arithmetic. DuckDB would overflow where a result has more than 18 digits."""
    one, two = kind_of(left), kind_of(right)
    scale = max(one.scale, two.scale)
    digits = max(one.digits, two.digits) + 1
    if operator is exp.Mul:
        scale, digits = one.scale + two.scale, one.digits + two.digits
    kind = Kind.decimal(min(digits, DECIMAL_LIMIT - min(scale, DECIMAL_LIMIT)), scale)
    if operator is exp.Mul:
        wide = Kind("DECIMAL", kind.precision, one.scale)
    else:
        wide = Kind("DECIMAL", min(max(one.precision, 1), DECIMAL_LIMIT), one.scale)
    operation = operator(this=as_decimal(left, wide), expression=as_decimal(right, two))
    return as_decimal(exp.Paren(this=operation), kind)


def _check(sign: str, *kinds: Kind) -> None:
    for kind in kinds:
        if not kind.is_number and kind.name != "NULL":
            raise mixed(f"{' and '.join(k.name for k in kinds)} with {sign}")
