"""A pytest plugin for tests of clients: a schema with a table of three rows and a view on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Connect

PEOPLE = [
    (1, "Ann", "2018-07-12", "2018-04-03 18:36:40.553000", True, "0.70000", None),
    (2, "Bea", "2018-05-24", "2018-03-24 08:08:46.251000", False, "0.53000", 22.07),
    (3, "Cyd", None, None, None, None, 0.5),
]
NAMES = ["ID", "NAME", "BORN", "SEEN_AT", "IS_MEMBER", "RATING", "SCORE"]
TYPES: list[dict[str, Any]] = [
    {"type": "DECIMAL", "precision": 18, "scale": 0},
    {"type": "VARCHAR", "size": 50, "characterSet": "UTF8"},
    {"type": "DATE", "size": 4},
    {"type": "TIMESTAMP", "size": 16, "withLocalTimeZone": False},
    {"type": "BOOLEAN"},
    {"type": "DECIMAL", "precision": 10, "scale": 5},
    {"type": "DOUBLE"},
]


@pytest.fixture(scope="module")
def schema(connect: Connect) -> Iterator[str]:
    """A schema with the table PEOPLE and a view on it."""
    with connect() as connection:
        connection.execute("CREATE SCHEMA PYEXASOL_TEST")
        connection.execute(
            "CREATE TABLE PEOPLE (ID INTEGER PRIMARY KEY, NAME VARCHAR(50), BORN DATE,"
            " SEEN_AT TIMESTAMP, IS_MEMBER BOOLEAN, RATING DECIMAL(10,5), SCORE DOUBLE)"
        )
        query = "INSERT INTO PEOPLE VALUES ({a!d}, {b}, {c}, {d}, {e}, {f!d}, {g!f})"
        for row in PEOPLE:
            connection.execute(query, dict(zip("abcdefg", row, strict=True)))
        connection.execute("CREATE VIEW MEMBERS AS SELECT * FROM PEOPLE WHERE IS_MEMBER")
        yield "PYEXASOL_TEST"
        connection.execute("DROP SCHEMA PYEXASOL_TEST CASCADE")


@pytest.fixture
def people(connect: Connect, schema: str) -> Iterator[Any]:
    """A session with the schema open."""
    with connect(schema=schema) as connection:
        yield connection


SORTED = "SELECT * FROM PEOPLE ORDER BY ID"
