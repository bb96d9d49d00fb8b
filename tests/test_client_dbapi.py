"""pyexasol's DB-API wrapper, ``exasol.driver.websocket.dbapi2``: SQLAlchemy's dialect uses it."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from typing import Any

import pytest
from exasol.driver.websocket import dbapi2
from pyexasol.data_types import ExaTimeDelta, WebSocketDataType

from exallm.local.engine_home import USER, EngineHome
from tests.pyexasol_people import NAMES, SORTED, TYPES

pytest_plugins = ("tests.pyexasol_people",)


@pytest.fixture
def cursor(engine: EngineHome, schema: str) -> Iterator[Any]:
    running = engine.running()
    assert running is not None
    connection = dbapi2.connect(
        dsn=running.dsn, username=USER, password=engine.password(), schema=schema, tls=False
    )
    cursor = connection.cursor()
    yield cursor
    cursor.close()
    connection.close()


def test_before_and_after_a_statement(cursor: Any) -> None:
    assert (cursor.description, cursor.rowcount) == (None, -1)
    cursor.execute(SORTED)
    assert cursor.rowcount == 3
    assert [column[:2] for column in cursor.description] == [
        (name, WebSocketDataType(kind["type"])) for name, kind in zip(NAMES, TYPES, strict=True)
    ]
    assert cursor.fetchone()[:2] == (1, "Ann")
    assert [row[0] for row in cursor.fetchmany(5)] == [2, 3]
    assert cursor.fetchone() is None


def test_sizes_in_the_description(cursor: Any) -> None:
    cursor.execute(
        "SELECT CAST(1 AS INT) AS A, CAST(1 AS DOUBLE) AS B, TRUE AS C,"
        " CAST('Foo' AS VARCHAR(10)) AS D"
    )
    code = WebSocketDataType
    assert cursor.description == (
        ("A", code.Decimal, None, None, 18, 0, None),
        ("B", code.Double, None, None, None, None, None),
        ("C", code.Bool, None, None, None, None, None),
        ("D", code.String, None, 10, None, None, None),
    )


def test_values_are_pythons(cursor: Any) -> None:
    cursor.execute("SELECT BORN, RATING, SEEN_AT FROM PEOPLE WHERE ID = 2")
    assert cursor.fetchall() == (
        (
            datetime.date(2018, 5, 24),
            decimal.Decimal("0.53000"),
            datetime.datetime(2018, 3, 24, 8, 8, 46, 251000),
        ),
    )


def test_formats_that_the_wrapper_does_not_read(cursor: Any) -> None:
    cursor.execute("ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DDTHH:MI:SS.FF6'")
    with pytest.raises(dbapi2.InterfaceError, match="Unsupported NLS_TIMESTAMP_FORMAT"):
        cursor.execute("SELECT 1")
    cursor.execute("ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF3'")
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == (1,)


def test_errors_are_those_of_the_standard(cursor: Any) -> None:
    with pytest.raises(dbapi2.ProgrammingError):
        cursor.execute("SELEC 1")
    with pytest.raises(dbapi2.InterfaceError):
        cursor.fetchone()


def test_intervals_become_durations(cursor: Any) -> None:
    cursor.execute("SELECT CAST('-6 01:00:00.5' AS INTERVAL DAY TO SECOND) AS D")
    assert cursor.fetchone() == (ExaTimeDelta(days=-6) - ExaTimeDelta(hours=1, milliseconds=500),)
