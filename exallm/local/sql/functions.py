"""The allowlist of functions: what each of Exasol's means in DuckDB.

A name that is not in these tables is a script of the user's or refused. Every entry has a test in
``tests/test_sql_functions.py``. Exasol holds the empty string and NULL for the same value, so a
text function whose DuckDB twin may return '' wraps it in NULLIF.
"""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import DECIMAL_LIMIT, VARCHAR_LIMIT
from exallm.local.sql.aggregate_functions import MORE_AGGREGATES, MORE_WINDOWS
from exallm.local.sql.date_functions import DATES
from exallm.local.sql.function import (
    Arguments,
    Builder,
    Function,
    finite,
    null_if_empty,
    same,
    within_limit,
)
from exallm.local.sql.kinds import (
    DAY,
    DOUBLE,
    TEXT,
    TIME,
    WHOLE,
    Kind,
    call,
    cast,
    common_kind,
    comparable,
    kind_of,
    null,
    padded_alike,
    typed,
)
from exallm.local.sql.number_functions import NUMBERS
from exallm.local.sql.text_functions import TEXTS


def concatenation(arguments: Arguments) -> exp.Expr:
    """``||`` and CONCAT: NULL counts as the empty string."""
    types = [kind_of(argument).declared for argument in arguments]
    sizes = [type_.size if type_ is not None else VARCHAR_LIMIT for type_ in types]
    return typed(within_limit(null_if_empty(call("concat", *arguments))), Kind.text(sum(sizes)))


def listed(value: exp.Expr, separator: exp.Expr) -> exp.Expr:
    """LISTAGG and GROUP_CONCAT; the separator may carry the order."""
    return typed(within_limit(call("string_agg", value, separator)), TEXT)


def utc_now(is_date: bool) -> exp.Expr:
    """The time at which DuckDB computes it, in UTC: for the DEFAULT of a column."""
    now = call("make_timestamp", call("epoch_us", call("now")))
    return typed(cast(now, "DATE"), DAY) if is_date else typed(now, TIME)


def _end(name: str) -> Builder:
    return lambda a: null_if_empty(call(name, a[0], call("greatest", a[1], 0)))


def _trim(name: str) -> Builder:
    """Blanks where no characters are given; DuckDB alone would take off any white space."""
    return lambda a: null_if_empty(call(name, a[0], a[1] if len(a) > 1 else " "))


def _substring(arguments: Arguments) -> exp.Expr:
    text, start = arguments[0], arguments[1]
    length = arguments[2] if len(arguments) > 2 else exp.Literal.number(VARCHAR_LIMIT)
    return null_if_empty(call("exallm_substring", text, start, length))


def _repeat(arguments: Arguments) -> exp.Expr:
    times = call("least", arguments[1], VARCHAR_LIMIT + 1)
    return within_limit(null_if_empty(call("repeat", arguments[0], times)))


def _replace(arguments: Arguments) -> exp.Expr:
    old = call("coalesce", arguments[1], "")
    new = call("coalesce", arguments[2], "") if len(arguments) > 2 else exp.Literal.string("")
    return within_limit(null_if_empty(call("replace", arguments[0], old, new)))


def _pad(name: str) -> Builder:
    def build(arguments: Arguments) -> exp.Expr:
        filler = arguments[2] if len(arguments) > 2 else exp.Literal.string(" ")
        length = call("least", call("greatest", arguments[1], 0), VARCHAR_LIMIT + 1)
        padded = call(name, arguments[0], cast(length, "INTEGER"), filler)
        return within_limit(null_if_empty(padded))

    return build


def _decode(arguments: Arguments) -> exp.Expr:
    pairs = len(arguments[1:]) // 2
    default = [arguments[-1]] if len(arguments) % 2 == 0 else [null()]
    subject, *searches = padded_alike(
        comparable([arguments[0], *arguments[1 : 1 + 2 * pairs : 2]], "DECODE")
    )
    results = comparable([*arguments[2 : 2 + 2 * pairs : 2], *default], "DECODE")
    case = exp.Case()
    for search, result in zip(searches, results[:-1], strict=True):
        case = case.when(exp.NullSafeEQ(this=subject.copy(), expression=search), result, copy=False)
    return typed(case.else_(results[-1], copy=False), common_kind(results))


def _nvl2(arguments: Arguments) -> exp.Expr:
    known = exp.Not(this=exp.Is(this=arguments[0], expression=exp.Null()))
    first, second = comparable(arguments[1:], "NVL2")
    return typed(exp.Case().when(known, first).else_(second), common_kind([first, second]))


def _coalesce(arguments: Arguments) -> exp.Expr:
    return typed(call("coalesce", *arguments), common_kind(arguments))


def _null_if(arguments: Arguments) -> exp.Expr:
    value, other = padded_alike(arguments)
    if value is arguments[0]:
        return call("nullif", value, other)
    # What is compared has more blanks than the value itself.
    equal = exp.EQ(this=value, expression=other)
    return exp.Case().when(equal, exp.Null(), copy=False).else_(arguments[0].copy(), copy=False)


def _part(unit: str) -> Builder:
    return lambda arguments: call("date_part", unit, arguments[0])


def _seconds_between(arguments: Arguments) -> exp.Expr:
    later, earlier = (call("epoch_us", cast(a, "TIMESTAMP")) for a in arguments)
    difference = exp.Paren(this=exp.Sub(this=later, expression=earlier))
    return exp.Paren(this=exp.Div(this=difference, expression=exp.Literal.number("1e6")))


def _days_between(arguments: Arguments) -> exp.Expr:
    later, earlier = (cast(argument, "DATE") for argument in arguments)
    return exp.Paren(this=exp.Sub(this=later, expression=earlier))


def _mod(arguments: Arguments) -> exp.Expr:
    divisor = call("exallm_divisor", arguments[1])
    if all(kind_of(argument).name == "DECIMAL" for argument in arguments):
        # DuckDB itself fails a division of decimals by zero.
        return typed(call("mod", *arguments), common_kind(arguments))
    return typed(call("mod", arguments[0], divisor), DOUBLE)


def _sum(arguments: Arguments) -> exp.Expr:
    kind = kind_of(arguments[0])
    wide = Kind("DECIMAL", DECIMAL_LIMIT, kind.scale)
    return typed(call("sum", arguments[0]), wide if kind.name == "DECIMAL" else DOUBLE)


def _zero_if_single(name: str) -> Builder:
    """STDDEV and VARIANCE of one value are 0, their _SAMP twins NULL."""

    def build(arguments: Arguments) -> exp.Expr:
        single = exp.EQ(this=call("count", arguments[0].copy()), expression=exp.Literal.number(1))
        case = exp.Case().when(single, exp.Literal.number("0e0"), copy=False)
        return case.else_(call(name, arguments[0]), copy=False)

    return build


def _shifted(name: str) -> Builder:
    """LAG and LEAD: a value, how many rows away, and what stands for a row that is not there."""

    def build(arguments: Arguments) -> exp.Expr:
        value, *rest = arguments
        if len(rest) < 2:
            return typed(call(name, value, *rest), kind_of(value))
        value, default = comparable([value, rest[1]], name.upper())
        return typed(call(name, value, rest[0], default), common_kind([value, default]))

    return build


SCALAR: dict[str, Function] = {
    # text
    "ASCII": Function("t", same("exallm_ascii"), WHOLE),
    "CHARACTER_LENGTH": Function("t", same("length"), WHOLE),
    "CHAR_LENGTH": Function("t", same("length"), WHOLE),
    "CONCAT": Function("t", concatenation, None, least=2, repeats=True),
    "HASH_MD5": Function("t", same("md5"), TEXT),
    "HASH_SHA1": Function("t", same("sha1"), TEXT),
    "HASH_SHA256": Function("t", same("sha256"), TEXT),
    "LCASE": Function("t", same("lower"), 0),
    "LEFT": Function("tw", _end("left"), 0),
    "LENGTH": Function("t", same("length"), WHOLE),
    "LOWER": Function("t", same("lower"), 0),
    "LPAD": Function("twt", _pad("lpad"), TEXT, least=2),
    "LTRIM": Function("tt", _trim("ltrim"), 0, least=1),
    "MID": Function("tww", _substring, 0, least=2),
    "OCTET_LENGTH": Function("t", same("strlen"), WHOLE),
    "REPEAT": Function("tw", _repeat, TEXT),
    "REPLACE": Function("ttt", _replace, TEXT, least=2),
    "REVERSE": Function("t", same("exallm_reverse"), 0),
    "RIGHT": Function("tw", _end("right"), 0),
    "RPAD": Function("twt", _pad("rpad"), TEXT, least=2),
    "RTRIM": Function("tt", _trim("rtrim"), 0, least=1),
    "SUBSTR": Function("tww", _substring, 0, least=2),
    "SUBSTRING": Function("tww", _substring, 0, least=2),
    "TRIM": Function("tt", _trim("trim"), 0, least=1),
    "UCASE": Function("t", same("upper"), 0),
    "UPPER": Function("t", same("upper"), 0),
    # NULL
    "COALESCE": Function("c", _coalesce, None, least=1, repeats=True),
    "DECODE": Function("v", _decode, None, least=3, repeats=True),
    "IFNULL": Function("cc", _coalesce, None),
    "NULLIF": Function("cc", _null_if, 0),
    "NULLIFZERO": Function("n", lambda a: call("nullif", a[0], 0), 0),
    "NVL": Function("cc", _coalesce, None),
    "NVL2": Function("vvv", _nvl2, None),
    "ZEROIFNULL": Function("n", lambda a: call("coalesce", a[0], 0), 0),
    # numbers
    "ABS": Function("n", same("abs"), 0),
    "EXP": Function("n", finite("exp"), DOUBLE),
    "LN": Function("n", finite("ln"), DOUBLE),
    "MOD": Function("nn", _mod, None),
    "POWER": Function("nn", finite("power"), DOUBLE),
    "RAND": Function("", lambda _: call("random"), DOUBLE),
    "RANDOM": Function("", lambda _: call("random"), DOUBLE),
    "SIGN": Function("n", same("sign"), WHOLE),
    "SQRT": Function("n", finite("sqrt"), DOUBLE),
    # dates
    "CURDATE": Function("", lambda a: a[0], DAY, constant="CURRENT_DATE"),
    "DAY": Function("d", _part("day"), WHOLE),
    "DAYS_BETWEEN": Function("dd", _days_between, WHOLE),
    "HOUR": Function("d", _part("hour"), WHOLE),
    "MINUTE": Function("d", _part("minute"), WHOLE),
    "MONTH": Function("d", _part("month"), WHOLE),
    "NOW": Function("", lambda a: a[0], TIME, constant="CURRENT_TIMESTAMP"),
    "SECONDS_BETWEEN": Function("dd", _seconds_between, DOUBLE),
    "YEAR": Function("d", _part("year"), WHOLE),
    # the cluster: one node, numbered 0
    "IPROC": Function("", lambda _: cast(exp.Literal.number(0), "INTEGER"), WHOLE),
    "NPROC": Function("", lambda _: cast(exp.Literal.number(1), "INTEGER"), WHOLE),
}

SCALAR |= TEXTS | NUMBERS | DATES

AGGREGATE: dict[str, Function] = {
    "AVG": Function("n", same("avg"), DOUBLE),
    "COUNT": Function("v", same("count"), WHOLE),
    "MAX": Function("v", same("max"), 0),
    # Of DECIMAL values DuckDB would give a DECIMAL, cut off.
    "MEDIAN": Function("n", lambda a: call("median", cast(a[0], "DOUBLE")), DOUBLE),
    "MIN": Function("v", same("min"), 0),
    "STDDEV": Function("n", _zero_if_single("stddev_samp"), DOUBLE),
    "STDDEV_POP": Function("n", same("stddev_pop"), DOUBLE),
    "STDDEV_SAMP": Function("n", same("stddev_samp"), DOUBLE),
    "SUM": Function("n", _sum, None),
    "VARIANCE": Function("n", _zero_if_single("var_samp"), DOUBLE),
    "VAR_POP": Function("n", same("var_pop"), DOUBLE),
    "VAR_SAMP": Function("n", same("var_samp"), DOUBLE),
}

AGGREGATE |= MORE_AGGREGATES

WINDOW: dict[str, Function] = {
    "CUME_DIST": Function("", lambda _: call("cume_dist"), DOUBLE),
    "DENSE_RANK": Function("", lambda _: call("dense_rank"), WHOLE),
    "FIRST_VALUE": Function("v", same("first_value"), 0),
    "LAG": Function("vwv", _shifted("lag"), None, least=1),
    "LAST_VALUE": Function("v", same("last_value"), 0),
    "LEAD": Function("vwv", _shifted("lead"), None, least=1),
    "NTILE": Function("w", same("ntile"), WHOLE),
    "PERCENT_RANK": Function("", lambda _: call("percent_rank"), DOUBLE),
    "RANK": Function("", lambda _: call("rank"), WHOLE),
    "ROW_NUMBER": Function("", lambda _: call("row_number"), WHOLE),
}

WINDOW |= MORE_WINDOWS

FUNCTIONS: dict[str, Function] = {**SCALAR, **AGGREGATE, **WINDOW}
