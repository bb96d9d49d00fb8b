"""Statements that are too much: a clear error or an answer soon, and an engine that lives."""

from __future__ import annotations

import time
from typing import Any

import pyexasol
import pytest

SECONDS = 60.0  # far more than any of these takes on an idle machine

BOMBS = {
    "parentheses": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * 5_000 + "DUAL" + ")" * 5_000,
    "negations": "SELECT " + "NOT " * 5_000 + "TRUE",
    "signs": "SELECT " + "- " * 5_000 + "1",
    "cases": "SELECT " + "CASE WHEN TRUE THEN " * 2_000 + "1" + " END" * 2_000,
    "names": "SELECT " + ".".join(["a"] * 2_000),
    "words": "SELECT 1 FROM DUAL WHERE 1 IN (" + "1," * 300_000 + "1)",
    "a statement of 100 MB": "SELECT " + "1," * 50_000_000 + "1",
    "aliases of aliases": "SELECT 1 AS A0, "
    + ", ".join(f"LOCAL.A{n} + LOCAL.A{n} AS A{n + 1}" for n in range(40)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_too_much_is_an_error(connection: Any, name: str) -> None:
    started = time.monotonic()
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute(BOMBS[name])
    assert time.monotonic() - started < SECONDS
    assert failure.value.code in ("42000", "0A000"), failure.value.message
    assert len(failure.value.message) < 1_000
    assert connection.execute("SELECT 1").fetchval() == 1


def test_long_lists_are_answered(connection: Any) -> None:
    numbers = ",".join(str(number) for number in range(20_000))
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (19999), (20000)")
    query = f"SELECT A FROM T WHERE A IN ({numbers})"
    assert connection.execute(query).fetchall() == [(19_999,)]
    ors = " OR ".join(f"A = {number}" for number in range(1_000))
    assert connection.execute(f"SELECT COUNT(*) FROM T WHERE {ors}").fetchval() == 0


def test_a_long_sum_is_answered_or_refused(connection: Any) -> None:
    for length in (50, 5_000):
        try:
            found = connection.execute("SELECT " + "+".join(["1"] * length)).fetchval()
        except pyexasol.ExaQueryError as error:
            assert length > 50
            assert error.code == "42000"
        else:
            assert int(found) == length


def test_a_text_that_is_too_long_is_refused(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A VARCHAR(2000000))")
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute("INSERT INTO T VALUES ('" + "a" * 20_000_000 + "')")
    assert failure.value.code == "22001"
    connection.execute("INSERT INTO T VALUES ('" + "a" * 2_000_000 + "')")
    assert connection.execute("SELECT LENGTH(A) FROM T").fetchval() == 2_000_000
