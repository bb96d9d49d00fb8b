"""Properties of the embedded engine: values, texts, any input, expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyexasol
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exallm.local.sql.names import shown, stored
from exallm.local.sql.statements import read_statement
from exallm.local.sql_error import SqlError

FEW = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(FEW, max_examples=100)

TYPES = (
    "VARCHAR(2000000)",
    "DECIMAL(18,0)",
    "DECIMAL(20,3)",
    "DOUBLE",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP(6)",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-(10**18) + 1, 10**18 - 1),
    st.none() | st.decimals(-(10**17) + 1, 10**17 - 1, places=3),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
)


@pytest.fixture(scope="module")
def session(connect: Any) -> Iterator[Any]:
    with connect() as connection:
        connection.execute("CREATE SCHEMA PROPERTIES")
        columns = ", ".join(f"C{number} {type_}" for number, type_ in enumerate(TYPES))
        connection.execute(f"CREATE TABLE T ({columns})")
        for number, type_ in enumerate(TYPES):
            connection.execute(
                f"CREATE PYTHON3 SCALAR SCRIPT SAME{number} (A {type_}) RETURNS {type_} AS\n"
                "def run(ctx):\n    return ctx.A\n"
            )
        yield connection
        connection.execute("DROP SCHEMA PROPERTIES CASCADE")


def literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"TIMESTAMP '{value.isoformat(' ', 'microseconds')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case float():
            return f"{value!r}" if "e" in repr(value) else f"{value!r}e0"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def shown_by_client(value: Any) -> Any:
    """What pyexasol gives for a value, without a mapper."""
    match value:
        case datetime():
            return value.isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
    return None if value == "" else value


def by_text(row: tuple[Any, ...]) -> list[tuple[bool, str]]:
    """A key that sorts rows of any values."""
    return [(value is None, str(value)) for value in row]


@FEW
@given(rows=st.lists(values, min_size=1, max_size=5))
def test_values_of_every_type_come_back_through_a_table_and_a_script(
    session: Any, rows: list[tuple[Any, ...]]
) -> None:
    session.execute("TRUNCATE TABLE T")
    lines = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    session.execute(f"INSERT INTO T VALUES {lines}")
    expected = [tuple(shown_by_client(value) for value in row) for row in rows]
    assert sorted(session.execute("SELECT * FROM T").fetchall(), key=by_text) == sorted(
        expected, key=by_text
    )
    calls = ", ".join(f"SAME{number}(C{number})" for number in range(len(TYPES)))
    assert sorted(session.execute(f"SELECT {calls} FROM T").fetchall(), key=by_text) == sorted(
        expected, key=by_text
    )


@MANY
@given(text=texts)
def test_a_text_is_itself_in_every_place_of_a_statement(reader: Any, text: str) -> None:
    quoted = literal(text)
    (row,) = reader.execute(
        f"SELECT {quoted} AS A, /* {text.replace('*/', '').replace(chr(0), '')} */ 'x' || {quoted},"
        f" COUNT(*), LENGTH({quoted}), CASE WHEN {quoted} = {quoted} THEN 1 END"
        f" FROM (VALUES ({quoted})) AS V (T) WHERE T = {quoted} OR T IS NULL"
    ).fetchall()
    is_empty = text == ""
    assert row == (
        None if is_empty else text,
        "x" + text,
        1,
        None if is_empty else len(text),
        None if is_empty else 1,
    )


@MANY
@given(
    name=st.text(
        st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\0"),
        min_size=1,
        max_size=40,
    )
)
def test_a_name_in_quotes_is_itself(reader: Any, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    statement = reader.execute(f"SELECT {quoted}, X.{quoted} AS Y FROM (SELECT 1 AS {quoted}) AS X")
    assert statement.column_names() == [name, "Y"]
    assert statement.fetchall() == [(1, 1)]
    assert shown(stored(name)) == name
    other = name.swapcase()
    assert other == name or stored(other).upper() != stored(name).upper() or not name.isascii()


@settings(MANY, max_examples=1000)
@given(sql=st.text(max_size=60))
def test_reading_any_text_gives_a_statement_or_an_sql_error(sql: str) -> None:
    try:
        read_statement(sql, "S")
    except SqlError as error:
        assert error.code in ("42000", "0A000", "22003", "22007", "22018", "22019")


words = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "T",
        "A",
        "B",
        "(",
        ")",
        ",",
        ".",
        ";",
        "*",
        "+",
        "-",
        "/",
        "||",
        "=",
        "<",
        ">",
        "'x'",
        "''",
        '"',
        "'",
        "--",
        "/*",
        "*/",
        "1",
        "1.5",
        "1e5",
        "NULL",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BETWEEN",
        "LIKE",
        "IS",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "GROUP",
        "ORDER",
        "BY",
        "HAVING",
        "LIMIT",
        "UNION",
        "ALL",
        "WITH",
        "AS",
        "JOIN",
        "ON",
        "LEFT",
        "USING",
        "EXISTS",
        "COUNT",
        "SUM",
        "OVER",
        "PARTITION",
        "INSERT",
        "INTO",
        "VALUES",
        "UPDATE",
        "SET",
        "DELETE",
        "MERGE",
        "CREATE",
        "OR",
        "REPLACE",
        "TABLE",
        "VIEW",
        "SCRIPT",
        "DROP",
        "SCHEMA",
        "CAST",
        "DATE",
        "'2024-01-01'",
        "EMITS",
        "?",
        ":",
        "[",
        "]",
        "{",
        "}",
        "\x00",
        "DISTINCT",
        "ROWNUM",
        "LOCAL",
        "CONNECT",
        "LISTAGG",
        "WITHIN",
        "EXTRACT",
        "YEAR",
        "::",
        "->",
        "%",
        "^",
        "!",
        "\\",
        "\n",
        "#",
        "@",
        "$1",
        "ä",
        "😀",
    ]
)


@MANY
@given(parts=st.lists(words, max_size=25))
def test_any_words_give_a_result_or_an_error_and_the_session_goes_on(
    session: Any, parts: list[str]
) -> None:
    sql = " ".join(parts)
    if sql.upper().startswith(("DROP", "CREATE")):
        sql = "SELECT " + sql
    try:
        session.execute(sql)
    except pyexasol.ExaQueryError as error:
        assert error.code in (
            "42000",
            "0A000",
            "22003",
            "22007",
            "22018",
            "22012",
            "22001",
            "22019",
        )
        assert "internal error" not in error.message
    except pyexasol.ExaRuntimeError as error:
        assert "Duplicate column names" in str(error)
    assert session.execute("SELECT 1").fetchall() == [(1,)]


# --- expressions against an evaluator ----------------------------------------------------------


@dataclass(frozen=True)
class Evaluated:
    """An expression and what it is worth by the rules of SQL."""

    sql: str
    value: Any


def negation(one: Evaluated) -> Evaluated:
    return Evaluated(f"(NOT {one.sql})", None if one.value is None else not one.value)


def conjunction(pair: tuple[Evaluated, Evaluated]) -> Evaluated:
    one, two = pair
    known = [side.value for side in pair if side.value is not None]
    value = False if False in known else (True if len(known) == 2 else None)
    return Evaluated(f"({one.sql} AND {two.sql})", value)


def disjunction(pair: tuple[Evaluated, Evaluated]) -> Evaluated:
    one, two = pair
    known = [side.value for side in pair if side.value is not None]
    value = True if True in known else (False if len(known) == 2 else None)
    return Evaluated(f"({one.sql} OR {two.sql})", value)


def calculation(parts: tuple[str, Evaluated, Evaluated]) -> Evaluated:
    sign, one, two = parts
    value = None
    if one.value is not None and two.value is not None:
        pair = (one.value, two.value)
        value = {"+": pair[0] + pair[1], "-": pair[0] - pair[1], "*": pair[0] * pair[1]}[sign]
    return Evaluated(f"({one.sql} {sign} {two.sql})", value)


def comparison(parts: tuple[str, Evaluated, Evaluated]) -> Evaluated:
    sign, one, two = parts
    value = None
    if one.value is not None and two.value is not None:
        a, b = one.value, two.value
        value = {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[
            sign
        ]
    return Evaluated(f"({one.sql} {sign} {two.sql})", value)


def between(parts: tuple[Evaluated, Evaluated, Evaluated]) -> Evaluated:
    one, low, high = parts
    lower, upper = comparison((">=", one, low)), comparison(("<=", one, high))
    return Evaluated(
        f"({one.sql} BETWEEN {low.sql} AND {high.sql})", conjunction((lower, upper)).value
    )


def is_null(one: Evaluated) -> Evaluated:
    return Evaluated(f"({one.sql} IS NULL)", one.value is None)


def choice(parts: tuple[Evaluated, Evaluated, Evaluated]) -> Evaluated:
    test, one, two = parts
    value = one.value if test.value is True else two.value
    return Evaluated(f"CASE WHEN {test.sql} THEN {one.sql} ELSE {two.sql} END", value)


def coalesced(parts: list[Evaluated]) -> Evaluated:
    value = next((part.value for part in parts if part.value is not None), None)
    return Evaluated(f"COALESCE({', '.join(part.sql for part in parts)})", value)


def concatenated(pair: tuple[Evaluated, Evaluated]) -> Evaluated:
    joined = "".join(str(side.value) for side in pair if side.value is not None)
    return Evaluated(f"({pair[0].sql} || {pair[1].sql})", joined or None)


def upper(one: Evaluated) -> Evaluated:
    return Evaluated(f"UPPER({one.sql})", None if one.value is None else one.value.upper())


def null_if(pair: tuple[Evaluated, Evaluated]) -> Evaluated:
    one, two = pair
    is_same = one.value is not None and one.value == two.value
    return Evaluated(f"NULLIF({one.sql}, {two.sql})", None if is_same else one.value)


signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
numbers = st.deferred(
    lambda: (
        st.integers(-1000, 1000).map(lambda n: Evaluated(f"({n})", n))
        | st.just(Evaluated("CAST(NULL AS INT)", None))
        | st.tuples(st.sampled_from("+-*"), numbers, numbers).map(calculation)
        | st.tuples(truths, numbers, numbers).map(choice)
        | st.lists(numbers, min_size=2, max_size=3).map(coalesced)
        | st.tuples(numbers, numbers).map(null_if)
    )
)
letters = st.deferred(
    lambda: (
        st.text("abAB'% ", max_size=3).map(lambda t: Evaluated(literal(t), t or None))
        | st.just(Evaluated("CAST(NULL AS VARCHAR(5))", None))
        | st.tuples(letters, letters).map(concatenated)
        | st.tuples(letters, st.integers(0, 99).map(lambda n: Evaluated(str(n), n))).map(
            concatenated
        )
        | st.tuples(truths, letters, letters).map(choice)
        | st.lists(letters, min_size=2, max_size=3).map(coalesced)
        | letters.map(upper)
    )
)
truths = st.deferred(
    lambda: (
        st.sampled_from([Evaluated("TRUE", True), Evaluated("FALSE", False)])
        | st.just(Evaluated("CAST(NULL AS BOOLEAN)", None))
        | st.tuples(signs, numbers, numbers).map(comparison)
        | st.tuples(signs, letters, letters).map(comparison)
        | st.tuples(numbers, numbers, numbers).map(between)
        | st.tuples(truths, truths).map(conjunction)
        | st.tuples(truths, truths).map(disjunction)
        | truths.map(negation)
        | (numbers | letters | truths).map(is_null)
    )
)


@MANY
@given(expressions=st.lists(numbers | letters | truths, min_size=1, max_size=6))
def test_expressions_have_the_values_that_sql_gives_them(
    reader: Any, expressions: list[Evaluated]
) -> None:
    listed = ", ".join(f"{one.sql} AS C{number}" for number, one in enumerate(expressions))
    try:
        (row,) = reader.execute(f"SELECT {listed}").fetchall()
    except pyexasol.ExaQueryError as error:
        is_large = any(isinstance(e.value, int) and abs(e.value) >= 10**30 for e in expressions)
        assert error.code == "22003" or "too complex" in error.message
        assert is_large or "*" in listed
        return
    for found, one in zip(row, expressions, strict=True):
        is_number = isinstance(one.value, int) and not isinstance(one.value, bool)
        assert (int(found) if is_number else found) == one.value, one.sql


@FEW
@given(
    numbers_=st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=12),
    descending=st.booleans(),
)
def test_sorting_puts_null_where_exasol_does(
    reader: Any, numbers_: list[int | None], descending: bool
) -> None:
    source = ", ".join(f"({'NULL' if n is None else n}, 1)" for n in [*numbers_, 7])
    order = "DESC" if descending else "ASC"
    found = reader.execute(
        f"SELECT A FROM (VALUES {source}) AS V (A, B) ORDER BY A {order}"
    ).fetchall()
    known = sorted((n for n in [*numbers_, 7] if n is not None), reverse=descending)
    nulls = [None] * numbers_.count(None)
    assert [row[0] for row in found] == ([*nulls, *known] if descending else [*known, *nulls])


@MANY
@given(number=st.decimals(-(10**12), 10**12, places=4), scale=st.integers(0, 4))
def test_a_cast_to_decimal_rounds_half_away_from_zero(
    reader: Any, number: Decimal, scale: int
) -> None:
    expected = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    text = f"'{number:f}'"
    found = reader.execute(
        f"SELECT CAST({number:f} AS DECIMAL(20, {scale})), CAST({text} AS DECIMAL(20, {scale}))"
        f" FROM DUAL"
    ).fetchone()
    assert [Decimal(value) for value in found] == [expected, expected]
