"""Functions of numbers beyond the basic ones."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import DECIMAL_LIMIT
from exallm.local.sql.function import Arguments, Builder, Function, finite, same
from exallm.local.sql.kinds import (
    DAY,
    DOUBLE,
    TIME,
    TRUTH,
    WHOLE,
    Kind,
    as_decimal,
    call,
    cast,
    common_kind,
    kind_of,
    mixed,
    padded_alike,
    typed,
)
from exallm.local.sql.truncated_times import rounded_time, truncated_time

_BITS = Kind("DECIMAL", 20)


def _logarithm(arguments: Arguments) -> exp.Expr:
    base, value = (call("ln", cast(argument, "DOUBLE")) for argument in arguments)
    quotient = exp.Paren(this=exp.Div(this=value, expression=base))
    return call("exallm_finite", quotient)


def _div(arguments: Arguments) -> exp.Expr:
    """The whole part of a quotient."""
    left, right = arguments
    if any(kind_of(argument).name == "DOUBLE" for argument in arguments):
        divided = exp.Paren(this=exp.Div(this=left, expression=call("exallm_divisor", right)))
        return typed(call("trunc", divided), DOUBLE)
    kind = Kind.decimal(max(kind_of(left).digits, 1) + kind_of(right).scale, 0)
    quotient = call("exallm_quotient", left, right)
    return as_decimal(quotient, kind)


def _truncated(arguments: Arguments) -> exp.Expr:
    """TRUNC of a number or of a time."""
    kind = kind_of(arguments[0])
    if kind in (DAY, TIME):
        return truncated_time(arguments)
    return _at_digit("exallm_trunc", arguments)


def _rounded(arguments: Arguments) -> exp.Expr:
    """ROUND of a number, half away from zero, or of a time."""
    kind = kind_of(arguments[0])
    if kind in (DAY, TIME):
        return rounded_time(arguments)
    return _at_digit("exallm_round", arguments)


def _at_digit(name: str, arguments: Arguments) -> exp.Expr:
    kind = kind_of(arguments[0])
    if kind.name == "NULL":
        return arguments[0]
    if not kind.is_number:
        raise mixed(f"{kind.name} as an argument of ROUND or TRUNC")
    place: exp.Expr = exp.Literal.number(0)
    scale = 0
    if len(arguments) > 1:
        place = arguments[1]
        if kind_of(place).name != "NULL" and not kind_of(place).is_whole:
            raise mixed(f"{kind_of(place).name} as the number of digits")
        scale = _digits(place, kind.scale)
    digits = call(name, arguments[0], cast(place, "INTEGER"))
    if kind.name == "DOUBLE":
        return typed(cast(digits, "DOUBLE"), DOUBLE)
    result = Kind.decimal(min(max(kind.digits, 1) + 1, DECIMAL_LIMIT - scale), scale)
    return as_decimal(digits, result)


def _digits(place: exp.Expr, scale: int) -> int:
    """How many digits after the point a result has, which the statement says or the value."""
    is_negative = isinstance(place, exp.Neg)
    number = place.this if is_negative else place
    if isinstance(number, exp.Paren):
        number = number.this
    if not isinstance(number, exp.Literal):
        return 0 if is_negative else scale
    return 0 if is_negative else min(int(number.this), scale)


def _whole_part(name: str) -> Builder:
    """CEIL and FLOOR: a whole number."""

    def build(arguments: Arguments) -> exp.Expr:
        kind = kind_of(arguments[0])
        if kind.name != "DECIMAL":
            return typed(call(name, arguments[0]), kind)
        whole = Kind.decimal(min(max(kind.digits, 1) + 1, DECIMAL_LIMIT), 0)
        return as_decimal(call(name, arguments[0]), whole)

    return build


def _bitwise(operation: str) -> Builder:
    """A function of 64 bits without a sign."""

    def build(arguments: Arguments) -> exp.Expr:
        second = arguments[1] if len(arguments) > 1 else exp.Literal.number(0)
        digits = call("exallm_bits", operation, arguments[0], second)
        return as_decimal(digits, _BITS)

    return build


def _bit_check(arguments: Arguments) -> exp.Expr:
    bit = call("exallm_bits", "check", *arguments)
    return exp.Paren(this=exp.EQ(this=bit, expression=exp.Literal.string("1")))


def _bits_to_number(arguments: Arguments) -> exp.Expr:
    digits = call("exallm_bit_to_num", *arguments)
    return as_decimal(digits, _BITS)


def _extreme(name: str) -> Builder:
    """GREATEST and LEAST: NULL where any argument is NULL."""

    def build(arguments: Arguments) -> exp.Expr:
        if len(arguments) == 1:
            return arguments[0]
        arguments = padded_alike(arguments)
        kind = common_kind(arguments)
        missing: exp.Expr = exp.Is(this=arguments[0].copy(), expression=exp.Null())
        for argument in arguments[1:]:
            test = exp.Is(this=argument.copy(), expression=exp.Null())
            missing = exp.Or(this=missing, expression=test)
        case = exp.Case().when(missing, exp.Null(), copy=False)
        return typed(case.else_(call(name, *arguments), copy=False), kind)

    return build


NUMBERS: dict[str, Function] = {
    "ACOS": Function("n", finite("acos"), DOUBLE),
    "ASIN": Function("n", finite("asin"), DOUBLE),
    "ATAN": Function("n", finite("atan"), DOUBLE),
    "ATAN2": Function("nn", finite("atan2"), DOUBLE),
    "BIT_AND": Function("ww", _bitwise("and"), None),
    "BIT_CHECK": Function("ww", _bit_check, TRUTH),
    "BIT_LROTATE": Function("ww", _bitwise("lrotate"), None),
    "BIT_LSHIFT": Function("ww", _bitwise("lshift"), None),
    "BIT_NOT": Function("w", _bitwise("not"), None),
    "BIT_OR": Function("ww", _bitwise("or"), None),
    "BIT_RROTATE": Function("ww", _bitwise("rrotate"), None),
    "BIT_RSHIFT": Function("ww", _bitwise("rshift"), None),
    "BIT_SET": Function("ww", _bitwise("set"), None),
    "BIT_TO_NUM": Function("w", _bits_to_number, None, least=1, repeats=True),
    "BIT_XOR": Function("ww", _bitwise("xor"), None),
    "CEIL": Function("n", _whole_part("ceil"), None),
    "CEILING": Function("n", _whole_part("ceil"), None),
    "COS": Function("n", finite("cos"), DOUBLE),
    "COSH": Function("n", finite("cosh"), DOUBLE),
    "COT": Function("n", finite("cot"), DOUBLE),
    "DEGREES": Function("n", finite("degrees"), DOUBLE),
    "DIV": Function("nn", _div, None),
    "FLOOR": Function("n", _whole_part("floor"), None),
    "GREATEST": Function("c", _extreme("greatest"), None, least=1, repeats=True),
    "LEAST": Function("c", _extreme("least"), None, least=1, repeats=True),
    "LOG": Function("nn", _logarithm, DOUBLE),
    "LOG10": Function("n", finite("log10"), DOUBLE),
    "LOG2": Function("n", finite("log2"), DOUBLE),
    "MIN_SCALE": Function("n", same("exallm_min_scale"), WHOLE),
    "PI": Function("", lambda _: call("pi"), DOUBLE),
    "RADIANS": Function("n", finite("radians"), DOUBLE),
    "ROUND": Function("vv", _rounded, None, least=1),
    "SIN": Function("n", finite("sin"), DOUBLE),
    "SINH": Function("n", finite("sinh"), DOUBLE),
    "TAN": Function("n", finite("tan"), DOUBLE),
    "TANH": Function("n", finite("tanh"), DOUBLE),
    "TRUNC": Function("vv", _truncated, None, least=1),
    "TRUNCATE": Function("vv", _truncated, None, least=1),
}
