"""Aggregate and window functions beyond the basic ones."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.sql.function import Arguments, Builder, Function, same
from exallm.local.sql.kinds import DOUBLE, TRUTH, WHOLE, call, cast

# DuckDB's aggregates: where a window stands behind a function, each call of them inside gets it.
DUCKDB_AGGREGATES = frozenset(
    """
    avg bool_and bool_or corr count covar_pop covar_samp max median min product quantile_cont
    quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
    regr_syy stddev_pop stddev_samp string_agg sum var_pop var_samp
    """.split()  # noqa: SIM905
)


def _or_null(name: str) -> Builder:
    """A statistic that is NULL where DuckDB has no number for it."""

    def build(arguments: Arguments) -> exp.Expr:
        none = cast(exp.Literal.string("NaN"), "DOUBLE")
        return call("nullif", call(name, *[cast(a, "DOUBLE") for a in arguments]), none)

    return build


def _distinct_count(arguments: Arguments) -> exp.Expr:
    return call("count", exp.Distinct(expressions=[arguments[0]]))


MORE_AGGREGATES: dict[str, Function] = {
    # Exasol's answer is near the exact one: this is the exact one.
    "APPROXIMATE_COUNT_DISTINCT": Function("v", _distinct_count, WHOLE),
    "CORR": Function("nn", _or_null("corr"), DOUBLE),
    "COVAR_POP": Function("nn", _or_null("covar_pop"), DOUBLE),
    "COVAR_SAMP": Function("nn", _or_null("covar_samp"), DOUBLE),
    "EVERY": Function("b", same("bool_and"), TRUTH),
    "GROUPING": Function("v", same("grouping"), WHOLE, repeats=True),
    "GROUPING_ID": Function("v", same("grouping"), WHOLE, repeats=True),
    "MUL": Function("n", lambda a: call("product", cast(a[0], "DOUBLE")), DOUBLE),
    "REGR_AVGX": Function("nn", _or_null("regr_avgx"), DOUBLE),
    "REGR_AVGY": Function("nn", _or_null("regr_avgy"), DOUBLE),
    "REGR_COUNT": Function("nn", same("regr_count"), WHOLE),
    "REGR_INTERCEPT": Function("nn", _or_null("regr_intercept"), DOUBLE),
    "REGR_R2": Function("nn", _or_null("regr_r2"), DOUBLE),
    "REGR_SLOPE": Function("nn", _or_null("regr_slope"), DOUBLE),
    "REGR_SXX": Function("nn", _or_null("regr_sxx"), DOUBLE),
    "REGR_SXY": Function("nn", _or_null("regr_sxy"), DOUBLE),
    "REGR_SYY": Function("nn", _or_null("regr_syy"), DOUBLE),
}

MORE_WINDOWS: dict[str, Function] = {
    "NTH_VALUE": Function("vw", same("nth_value"), 0),
    "RATIO_TO_REPORT": Function("n", lambda a: call("sum", a[0]), DOUBLE),
}
