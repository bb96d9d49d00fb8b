"""Parameters in the statements of a Lua script, checked against a real SQL engine."""

from __future__ import annotations

import math
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm.local.lua.parameters import bind_parameters
from exallm.local.lua.session import LuaCell
from exallm.local.sql_error import SqlError


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (False, "FALSE"),
        (7, "7"),
        (-7, "(-7)"),
        (5.0, "5"),
        (0.25, "0.25"),
        (1e300, "1e+300"),
        (Decimal("-1.50"), "(-1.50)"),
        (Decimal("1E+3"), "1000"),
        ("it's", "'it''s'"),
        ("'; DROP TABLE T; --", "'''; DROP TABLE T; --'"),
        ("", "''"),
    ],
)
def test_values_become_literals(value: LuaCell | None, literal: str) -> None:
    assert bind_parameters("SELECT :v", {"v": value}) == f"SELECT {literal}"


def test_a_negative_number_opens_no_comment() -> None:
    assert duckdb.execute(bind_parameters("SELECT 1-:v", {"v": -5})).fetchall() == [(6,)]


def test_identifiers_are_taken_as_sql_takes_them() -> None:
    bound = bind_parameters("SELECT * FROM ::s.::t", {"s": "exallm", "t": '"my ""odd"" table"'})
    assert bound == 'SELECT * FROM "EXALLM"."my ""odd"" table"'


@pytest.mark.parametrize("name", ["a b", "S.T", "", 'x"', 't" --', '"', '""', "é", "1a", "a;b"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(SqlError, match=r"parameter ::t.*quote\(name\)") as caught:
        bind_parameters("SELECT * FROM ::t", {"t": name})
    assert caught.value.code == "42000"


@pytest.mark.parametrize("value", [None, 5, True])
def test_an_identifier_must_be_a_string(value: LuaCell | None) -> None:
    with pytest.raises(SqlError, match="parameter ::t must be a string"):
        bind_parameters("SELECT * FROM ::t", {"t": value})


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ':v' || 'it''s :v'",
        'SELECT ":v" FROM "a "":v"',
        "SELECT 1 -- :v",
        "SELECT 1 /* :v\n:v */",
        "SELECT a:v, 1::v2x::é",
        "SELECT 'unfinished :v",
        "SELECT /* unfinished :v",
    ],
)
def test_strings_identifiers_and_comments_are_not_touched(statement: str) -> None:
    assert bind_parameters(statement, {"v": 1}) == statement


def test_quoted_texts_that_touch_do_not_become_one() -> None:
    assert bind_parameters("SELECT 'a':v'b'", {"v": "x"}) == "SELECT 'a' 'x' 'b'"


@pytest.mark.parametrize(("mark", "name"), [(":", "lost"), ("::", "gone")])
def test_a_missing_parameter_is_named(mark: str, name: str) -> None:
    with pytest.raises(SqlError, match=f"parameter {mark}{name} of the statement is not given"):
        bind_parameters(f"SELECT :v, {mark}{name}", {"v": 1})


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_numbers_that_sql_cannot_write_are_refused(value: float) -> None:
    with pytest.raises(SqlError, match="which SQL cannot write"):
        bind_parameters("SELECT :v", {"v": value})


@given(st.text())
def test_any_string_arrives_as_it_is(text: str) -> None:
    sql = bind_parameters("SELECT :v, 'end :v'", {"v": text})
    assert duckdb.execute(sql).fetchall() == [(text, "end :v")]


@given(st.integers(-(2**63), 2**63 - 1) | st.decimals(-(10**9), 10**9, places=4))
def test_any_number_arrives_as_it_is(number: int | Decimal) -> None:
    [(value,)] = duckdb.execute(bind_parameters("SELECT :v", {"v": number})).fetchall()
    assert value == number
