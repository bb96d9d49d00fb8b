"""The allowlist of functions: what each of Exasol's means in DuckDB.

A name that is not in these tables is a script of the user's or refused. Every entry has a test in
``tests/test_sql_functions.py``. Exasol holds the empty string and NULL for the same value, so a
text function whose DuckDB twin may return '' wraps it in NULLIF.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

Arguments = Sequence[exp.Expr]
Builder = Callable[[Arguments], exp.Expr]


@dataclass(frozen=True)
class Function:
    """One function of the allowlist.

    :param least: fewest arguments.
    :param most: most arguments, None for any number.
    :param build: makes the DuckDB expression out of translated arguments.
    :param text: the indexes of arguments that are texts (-1: all): Exasol converts them.
    :param returns_text: whether the result is a VARCHAR, which spares a conversion.
    """

    least: int
    most: int | None
    build: Builder
    text: tuple[int, ...] = ()
    returns_text: bool = False


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Anonymous:
    """A call of a DuckDB function; a ``str`` or ``int`` becomes a literal."""
    return exp.Anonymous(this=name, expressions=[_node(argument) for argument in arguments])


def _node(value: exp.Expr | str | int) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    return value


def null_if_empty(node: exp.Expr) -> exp.Expr:
    """Exasol has no empty string: '' is NULL."""
    return call("nullif", node, "")


def cast(node: exp.Expr, duckdb_type: str) -> exp.Cast:
    """``CAST(node AS duckdb_type)``, the type as DuckDB names it."""
    return exp.Cast(this=node, to=exp.DataType.build(duckdb_type, dialect="duckdb"))


def utc_now() -> exp.Expr:
    """The start of the transaction as a TIMESTAMP in UTC, the engine's time zone."""
    return call("make_timestamp", call("epoch_us", call("now")))


def _same(name: str) -> Builder:
    return lambda arguments: call(name, *arguments)


def _text_result(name: str) -> Builder:
    return lambda arguments: null_if_empty(call(name, *arguments))


def concatenation(arguments: Arguments) -> exp.Expr:
    """``||`` and CONCAT: NULL counts as the empty string."""
    return null_if_empty(call("concat", *arguments))


def _replace(arguments: Arguments) -> exp.Expr:
    old = call("coalesce", arguments[1], "")
    new = call("coalesce", arguments[2], "") if len(arguments) > 2 else exp.Literal.string("")
    return null_if_empty(call("replace", arguments[0], old, new))


def _pad(name: str) -> Builder:
    def build(arguments: Arguments) -> exp.Expr:
        filler = arguments[2] if len(arguments) > 2 else exp.Literal.string(" ")
        return null_if_empty(call(name, arguments[0], cast(arguments[1], "INTEGER"), filler))

    return build


def _decode(arguments: Arguments) -> exp.Expr:
    subject, rest = arguments[0], list(arguments[1:])
    case = exp.Case()
    while len(rest) >= 2:
        condition = exp.NullSafeEQ(this=subject.copy(), expression=rest.pop(0))
        case = case.when(condition, rest.pop(0), copy=False)
    return case.else_(rest[0], copy=False) if rest else case


def _nvl2(arguments: Arguments) -> exp.Expr:
    known = exp.Not(this=exp.Is(this=arguments[0], expression=exp.Null()))
    return exp.Case().when(known, arguments[1]).else_(arguments[2])


def _part(unit: str) -> Builder:
    return lambda arguments: call("date_part", unit, arguments[0])


def _seconds_between(arguments: Arguments) -> exp.Expr:
    later, earlier = (call("epoch_us", cast(a, "TIMESTAMP")) for a in arguments)
    return exp.Div(
        this=exp.Paren(this=exp.Sub(this=later, expression=earlier)), expression=_million()
    )


def _million() -> exp.Expr:
    return exp.Literal.number("1000000.0")


def _days_between(arguments: Arguments) -> exp.Expr:
    later, earlier = (cast(argument, "DATE") for argument in arguments)
    return exp.Paren(this=exp.Sub(this=later, expression=earlier))


def _mod(arguments: Arguments) -> exp.Expr:
    number, divisor = arguments
    zero = exp.EQ(this=divisor.copy(), expression=exp.Literal.number(0))
    failure = call("error", "[22012] data exception - division by zero.")
    return call("mod", number, exp.Case().when(zero, failure).else_(divisor))


_ALL = (-1,)

SCALAR: dict[str, Function] = {
    # text
    "ASCII": Function(1, 1, _same("ascii"), text=_ALL),
    "CHARACTER_LENGTH": Function(1, 1, _same("length"), text=_ALL),
    "CHAR_LENGTH": Function(1, 1, _same("length"), text=_ALL),
    "CONCAT": Function(2, None, concatenation, text=_ALL, returns_text=True),
    "HASH_MD5": Function(1, 1, _same("md5"), text=_ALL, returns_text=True),
    "HASH_SHA1": Function(1, 1, _same("sha1"), text=_ALL, returns_text=True),
    "HASH_SHA256": Function(1, 1, _same("sha256"), text=_ALL, returns_text=True),
    "INSTR": Function(2, 2, _same("instr"), text=_ALL),
    "LCASE": Function(1, 1, _same("lower"), text=_ALL, returns_text=True),
    "LEFT": Function(2, 2, _text_result("left"), text=(0,), returns_text=True),
    "LENGTH": Function(1, 1, _same("length"), text=_ALL),
    "LOCATE": Function(2, 2, lambda a: call("instr", a[1], a[0]), text=_ALL),
    "LOWER": Function(1, 1, _same("lower"), text=_ALL, returns_text=True),
    "LPAD": Function(2, 3, _pad("lpad"), text=(0, 2), returns_text=True),
    "LTRIM": Function(1, 2, _text_result("ltrim"), text=_ALL, returns_text=True),
    "MID": Function(2, 3, _text_result("substring"), text=(0,), returns_text=True),
    "OCTET_LENGTH": Function(1, 1, _same("strlen"), text=_ALL),
    "REPEAT": Function(2, 2, _text_result("repeat"), text=(0,), returns_text=True),
    "REPLACE": Function(2, 3, _replace, text=_ALL, returns_text=True),
    "REVERSE": Function(1, 1, _same("reverse"), text=_ALL, returns_text=True),
    "RIGHT": Function(2, 2, _text_result("right"), text=(0,), returns_text=True),
    "RPAD": Function(2, 3, _pad("rpad"), text=(0, 2), returns_text=True),
    "RTRIM": Function(1, 2, _text_result("rtrim"), text=_ALL, returns_text=True),
    "SUBSTR": Function(2, 3, _text_result("substring"), text=(0,), returns_text=True),
    "SUBSTRING": Function(2, 3, _text_result("substring"), text=(0,), returns_text=True),
    "TO_CHAR": Function(1, 1, lambda a: a[0], text=_ALL, returns_text=True),
    "TRIM": Function(1, 2, _text_result("trim"), text=_ALL, returns_text=True),
    "UCASE": Function(1, 1, _same("upper"), text=_ALL, returns_text=True),
    "UPPER": Function(1, 1, _same("upper"), text=_ALL, returns_text=True),
    # NULL
    "COALESCE": Function(1, None, _same("coalesce")),
    "DECODE": Function(3, None, _decode),
    "IFNULL": Function(2, 2, _same("coalesce")),
    "NULLIF": Function(2, 2, _same("nullif")),
    "NULLIFZERO": Function(1, 1, lambda a: call("nullif", a[0], 0)),
    "NVL": Function(2, 2, _same("coalesce")),
    "NVL2": Function(3, 3, _nvl2),
    "ZEROIFNULL": Function(1, 1, lambda a: call("coalesce", a[0], 0)),
    # numbers
    "ABS": Function(1, 1, _same("abs")),
    "CEIL": Function(1, 1, _same("ceil")),
    "CEILING": Function(1, 1, _same("ceil")),
    "EXP": Function(1, 1, _same("exp")),
    "FLOOR": Function(1, 1, _same("floor")),
    "LN": Function(1, 1, _same("ln")),
    "MOD": Function(2, 2, _mod),
    "POWER": Function(2, 2, _same("power")),
    "RAND": Function(0, 0, _same("random")),
    "RANDOM": Function(0, 0, _same("random")),
    "ROUND": Function(1, 2, _same("round")),
    "SIGN": Function(1, 1, _same("sign")),
    "SQRT": Function(1, 1, _same("sqrt")),
    # dates
    "CURDATE": Function(0, 0, lambda _: cast(utc_now(), "DATE")),
    "DAY": Function(1, 1, _part("day")),
    "DAYS_BETWEEN": Function(2, 2, _days_between),
    "HOUR": Function(1, 1, _part("hour")),
    "MINUTE": Function(1, 1, _part("minute")),
    "MONTH": Function(1, 1, _part("month")),
    "NOW": Function(0, 0, lambda _: utc_now()),
    "SECONDS_BETWEEN": Function(2, 2, _seconds_between),
    "TO_DATE": Function(1, 1, lambda a: cast(a[0], "DATE")),
    "TO_TIMESTAMP": Function(1, 1, lambda a: cast(a[0], "TIMESTAMP")),
    "YEAR": Function(1, 1, _part("year")),
    # the cluster: one node, numbered 0
    "IPROC": Function(0, 0, lambda _: cast(exp.Literal.number(0), "INTEGER")),
    "NPROC": Function(0, 0, lambda _: cast(exp.Literal.number(1), "INTEGER")),
}

AGGREGATE: dict[str, Function] = {
    "AVG": Function(1, 1, _same("avg")),
    "COUNT": Function(1, None, _same("count")),
    "MAX": Function(1, 1, _same("max")),
    "MEDIAN": Function(1, 1, _same("median")),
    "MIN": Function(1, 1, _same("min")),
    "STDDEV": Function(1, 1, _same("stddev_samp")),
    "STDDEV_POP": Function(1, 1, _same("stddev_pop")),
    "STDDEV_SAMP": Function(1, 1, _same("stddev_samp")),
    "SUM": Function(1, 1, _same("sum")),
    "VARIANCE": Function(1, 1, _same("var_samp")),
    "VAR_POP": Function(1, 1, _same("var_pop")),
    "VAR_SAMP": Function(1, 1, _same("var_samp")),
}

WINDOW: dict[str, Function] = {
    "CUME_DIST": Function(0, 0, _same("cume_dist")),
    "DENSE_RANK": Function(0, 0, _same("dense_rank")),
    "FIRST_VALUE": Function(1, 1, _same("first_value")),
    "LAG": Function(1, 3, _same("lag")),
    "LAST_VALUE": Function(1, 1, _same("last_value")),
    "LEAD": Function(1, 3, _same("lead")),
    "NTILE": Function(1, 1, _same("ntile")),
    "PERCENT_RANK": Function(0, 0, _same("percent_rank")),
    "RANK": Function(0, 0, _same("rank")),
    "ROW_NUMBER": Function(0, 0, _same("row_number")),
}

FUNCTIONS: dict[str, Function] = {**SCALAR, **AGGREGATE, **WINDOW}
