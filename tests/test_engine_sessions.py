"""Sessions of the embedded engine, through pyexasol."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import USER, EngineHome
from tests.engine_processes import wait_for, workers_of

LOOP = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT LOOP (A INT) RETURNS INT AS
import time
def run(ctx):
    while True:
        time.sleep(0.01)
"""
ECHO = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT ECHO (A VARCHAR(2000000))
RETURNS VARCHAR(2000000) AS
def run(ctx):
    return ctx.A
"""


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def fails(connection: Any, sql: str, code: str) -> str:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute(sql)
    assert failure.value.code == code, failure.value.message
    return str(failure.value.message)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[EngineHome]:
    """An engine that the test may kill."""
    home = EngineHome(tmp_path / "local")
    start(home, EngineSettings(port=0, workers=1))
    yield home
    stop(home)


def connect_to(home: EngineHome, **options: Any) -> Any:
    running = home.running()
    assert running is not None
    settings = {"user": USER, "password": home.password(), "encryption": False, **options}
    return pyexasol.connect(dsn=running.dsn, **settings)


def in_background(function: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start a function; the list gets what it returns or raises."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


# --- transactions ------------------------------------------------------------------------------


def test_everything_that_is_made_in_a_transaction_goes_with_it(connection: Any) -> None:
    schema = connection.current_schema()
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("COMMENT ON TABLE T IS 'before'")
    connection.set_autocommit(False)
    connection.execute("INSERT INTO T VALUES (1)")
    connection.execute("CREATE TABLE U AS SELECT * FROM T")
    connection.execute("CREATE VIEW V AS SELECT A FROM T")
    connection.execute(ECHO)
    connection.execute("CREATE CONNECTION C_ROLLBACK TO 'x'")
    connection.execute("COMMENT ON TABLE T IS 'after'")
    connection.execute("ALTER TABLE T ADD COLUMN B DATE")
    connection.execute("ALTER SYSTEM SET QUERY_TIMEOUT = 77")
    connection.execute("CREATE SCHEMA S_ROLLBACK")
    assert rows(connection, f"SELECT {schema}.ECHO('x') FROM {schema}.V") == [("x",)]
    connection.rollback()
    connection.execute(f"OPEN SCHEMA {schema}")
    query = "SELECT OBJECT_NAME FROM EXA_ALL_OBJECTS WHERE ROOT_NAME = CURRENT_SCHEMA"
    assert rows(connection, query) == [("T",)]
    assert rows(connection, "SELECT * FROM T") == []
    query = "SELECT TABLE_COMMENT FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA"
    assert rows(connection, query) == [("before",)]
    assert rows(
        connection, "SELECT COUNT(*) FROM EXA_SCHEMAS WHERE SCHEMA_NAME = 'S_ROLLBACK'"
    ) == [(0,)]
    assert rows(connection, "SELECT COUNT(*) FROM EXA_ALL_CONNECTIONS") == [(0,)]
    query = "SELECT SYSTEM_VALUE FROM EXA_PARAMETERS WHERE PARAMETER_NAME = 'QUERY_TIMEOUT'"
    assert rows(connection, query) == [("0",)]
    connection.execute("DROP TABLE T")
    connection.rollback()
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]


def test_autocommit_makes_each_statement_a_transaction(connection: Any, connect: Any) -> None:
    table = f"{connection.current_schema()}.T"
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (1)")
    connection.rollback()
    with connect(autocommit=False) as other:
        assert rows(other, f"SELECT * FROM {table}") == [(1,)]
        other.execute(f"INSERT INTO {table} VALUES (2)")
        assert rows(connection, "SELECT COUNT(*) FROM T") == [(1,)]
        other.set_autocommit(True)
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(2,)]
    with connect(autocommit=False) as other:
        other.execute(f"INSERT INTO {table} VALUES (3)")
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(2,)]


def test_a_session_sees_its_snapshot_and_a_conflict_ends_in_40001(
    connection: Any, connect: Any
) -> None:
    table = f"{connection.current_schema()}.T"
    connection.execute("CREATE TABLE T (A INT, B INT)")
    connection.execute("INSERT INTO T VALUES (1, 0)")
    connection.set_autocommit(False)
    with connect(autocommit=False) as other:
        assert rows(other, f"SELECT B FROM {table}") == [(0,)]
        connection.execute("UPDATE T SET B = 1")
        assert rows(other, f"SELECT B FROM {table}") == [(0,)]
        message = fails(other, f"UPDATE {table} SET B = 2", "40001")
        assert "Transaction collision" in message
        connection.commit()
        # The one that lost may try again, the one that won goes on.
        other.execute(f"UPDATE {table} SET B = B + 10")
        other.commit()
    assert rows(connection, "SELECT B FROM T") == [(11,)]


def test_an_error_keeps_the_transaction_where_duckdb_can(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT PRIMARY KEY)")
    connection.set_autocommit(False)
    connection.execute("INSERT INTO T VALUES (1)")
    for wrong in (
        "SELECT NOSUCH FROM T",
        "SELECT * FROM NOSUCH",
        "SELEC",
        "DROP VIEW X",
        "SELECT ?",
    ):
        with pytest.raises(pyexasol.ExaQueryError) as failure:
            connection.execute(wrong)
        assert "rolled back" not in failure.value.message
    assert rows(connection, "SELECT * FROM T") == [(1,)]
    message = fails(connection, "INSERT INTO T VALUES (1)", "27001")
    assert "the transaction was rolled back" in message
    assert rows(connection, "SELECT * FROM T") == []


# --- results -----------------------------------------------------------------------------------


def test_100_000_rows_come_in_pieces_with_exact_values(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE T (A DECIMAL(18, 0), B VARCHAR(100), C DECIMAL(20, 2), D DOUBLE)"
    )
    digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS {} (N)"
    sources = ", ".join(digits.format(f"D{place}") for place in range(5))
    number = " + ".join(f"D{place}.N * {10**place}" for place in range(5))
    connection.execute(
        f"INSERT INTO T SELECT I, CASE MOD(I, 3) WHEN 0 THEN '' ELSE 'row ' || I END, I / 4, I / 8"
        f" FROM (SELECT {number} AS I FROM {sources})"
    )
    statement = connection.execute("SELECT * FROM T ORDER BY A")
    assert statement.rowcount() == 100_000
    for i, row in enumerate(statement):
        text = f"row {i}" if i % 3 else None
        assert row == (i, text, f"{Decimal(i) / 4:.2f}", i / 8)
    with pyexasol.connect(
        dsn=connection.options["dsn"],
        user=USER,
        password=connection.options["password"],
        encryption=False,
        compression=True,
        fetch_dict=True,
        fetch_size_bytes=100_000,
        schema=connection.current_schema(),
    ) as other:
        statement = other.execute("SELECT A, B FROM T WHERE A >= 1000 ORDER BY A")
        found = statement.fetchall()
    assert len(found) == 99_000
    assert found[0] == {"A": 1000, "B": "row 1000"}
    assert found[-1] == {"A": 99_999, "B": None}
    connection.execute(ECHO)
    query = "SELECT COUNT(*), COUNT(E), COUNT(DISTINCT E) FROM (SELECT ECHO(A) AS E FROM T)"
    assert rows(connection, query) == [(100_000, 100_000, 100_000)]


@pytest.mark.parametrize("compression", [False, True])
def test_texts_of_any_kind_come_back_as_they_are(connect: Any, compression: bool) -> None:
    texts = [
        "it's",
        "😀 ä ß ﬁ \u0301 \u202e \ufeff",
        "a\0b\0",
        '\r\n\t\\ " ` ; -- /* */ ? : {x}',
        "E-EXALLM-LOCAL-1 [42000] x",
        " ",
        "\U0010ffff",
        "x" * 2_000_000,
        "😀" * 1_000_000,
    ]
    with connect(compression=compression) as connection:
        connection.execute("CREATE SCHEMA S_TEXTS")
        connection.execute("CREATE TABLE T (A INT, B VARCHAR(2000000))")
        connection.execute(ECHO)
        for number, text in enumerate(texts):
            literal = text.replace("'", "''")
            connection.execute(f"INSERT INTO T VALUES ({number}, '{literal}')")
        assert [row[0] for row in rows(connection, "SELECT B FROM T ORDER BY A")] == texts
        assert [row[0] for row in rows(connection, "SELECT ECHO(B) FROM T ORDER BY A")] == texts
        long = fails(connection, f"INSERT INTO T VALUES (99, '{'x' * 2_000_001}')", "22001")
        assert len(long) < 1000
        connection.execute("DROP SCHEMA S_TEXTS CASCADE")


def test_attributes_schema_and_metadata(connection: Any, connect: Any) -> None:
    schema = connection.current_schema()
    connection.execute('CREATE SCHEMA "s_Mixed"')
    assert connection.current_schema() == "s_Mixed"
    connection.open_schema(schema.lower())
    assert connection.current_schema() == schema
    with connect(schema="s_Mixed") as other:
        assert rows(other, "SELECT CURRENT_SCHEMA") == [("s_Mixed",)]
        other.execute("CLOSE SCHEMA")
        assert other.current_schema() == ""
        assert other.session_id() != connection.session_id()
        assert rows(other, "SELECT CURRENT_SESSION") == [(str(other.session_id()),)]
    with pytest.raises(pyexasol.ExaError, match="not found"):
        connect(schema="NOSUCH")
    connection.execute('DROP SCHEMA "s_Mixed"')
    statement = connection.execute("SELECT 1 AS A, 'x' AS B, 1.50 AS C, DATE '2024-01-31' AS D")
    kinds = {name: column["type"] for name, column in statement.columns().items()}
    assert kinds == {"A": "DECIMAL", "B": "VARCHAR", "C": "DECIMAL", "D": "DATE"}


# --- ends of statements ------------------------------------------------------------------------


def test_abort_from_another_thread_ends_a_looping_script(connection: Any) -> None:
    connection.execute(LOOP)
    thread, outcome = in_background(lambda: connection.execute("SELECT LOOP(1)"))
    time.sleep(0.7)
    connection.abort_query()
    thread.join(10)
    assert isinstance(outcome[0], pyexasol.ExaQueryAbortError)
    assert rows(connection, "SELECT 1") == [(1,)]


def test_the_timeout_of_a_query_ends_it(connect: Any, connection: Any) -> None:
    connection.execute(LOOP)
    with connect(query_timeout=1, schema=connection.current_schema()) as other:
        begin = time.monotonic()
        with pytest.raises(pyexasol.ExaQueryTimeoutError):
            other.execute("SELECT LOOP(1)")
        assert 0.9 < time.monotonic() - begin < 5
        with pytest.raises(pyexasol.ExaQueryTimeoutError):
            other.execute("SELECT MAX(D0.N * D9.N - D5.N) FROM " + many_rows(10))
        assert rows(other, "SELECT 1") == [(1,)]
        other.execute("ALTER SESSION SET QUERY_TIMEOUT = 2")
        assert other.attr["queryTimeout"] == 2


def test_a_lua_script_changes_parameters_of_its_session(connection: Any) -> None:
    connection.execute(
        "CREATE LUA SCRIPT CHANGE () AS\n"
        "query([[ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS']])\n"
        "query([[ALTER SESSION SET QUERY_TIMEOUT = 77]])\n"
    )
    connection.execute("EXECUTE SCRIPT CHANGE()")
    time_ = "SELECT TIMESTAMP '2024-02-29 23:59:59.5'"
    assert rows(connection, time_) == [("2024-02-29 23:59:59",)]
    assert connection.attr["queryTimeout"] == 77


def many_rows(places: int) -> str:
    digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{} (N)"
    return ", ".join(digits.format(place) for place in range(places))


def test_a_lua_script_that_loops_can_be_aborted(connection: Any) -> None:
    connection.execute("CREATE LUA SCRIPT FOREVER () AS\nwhile true do end\n")
    thread, outcome = in_background(lambda: connection.execute("EXECUTE SCRIPT FOREVER()"))
    time.sleep(0.5)
    connection.abort_query()
    thread.join(10)
    assert isinstance(outcome[0], pyexasol.ExaQueryAbortError)
    assert rows(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        "import os\ndef run(ctx):\n    os._exit(3)\n",
        "import sys\ndef run(ctx):\n    sys.exit(0)\n",
        "import os, signal\ndef run(ctx):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
        "import ctypes\ndef run(ctx):\n    ctypes.string_at(0)\n",
        "def run(ctx):\n    raise RuntimeError('no')\n",
        "raise RuntimeError('no')\n",
        "def other(ctx):\n    pass\n",
        "def run(ctx):\n    return run(ctx)\n",
        "def run(ctx):\n    return 'text for a number'\n",
        "import os\ndef run(ctx):\n    os.write(1, b'noise' * 1000)\n    os.close(1)\n"
        "    os.close(0)\n    raise ValueError\n",
    ],
)
def test_a_script_that_fails_ends_its_statement_only(connection: Any, body: str) -> None:
    connection.execute(f"CREATE PYTHON3 SCALAR SCRIPT S (A INT) RETURNS INT AS\n{body}")
    assert fails(connection, "SELECT S(A) FROM (VALUES (1), (2)) AS V (A)", "22002")
    assert rows(connection, "SELECT 1") == [(1,)]


def test_a_client_that_vanishes_takes_its_workers_and_session_along(own_engine: EngineHome) -> None:
    running = own_engine.running()
    assert running is not None
    with connect_to(own_engine) as connection:
        connection.execute("CREATE SCHEMA S")
        connection.execute(LOOP)
        connection.execute("CREATE TABLE T (A INT)")
    client = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pyexasol, sys\n"
            "c = pyexasol.connect(dsn=sys.argv[1], user='sys', password=sys.argv[2], schema='S',"
            " encryption=False, autocommit=False)\n"
            "c.execute('INSERT INTO T VALUES (1)')\n"
            "c.execute('SELECT LOOP(A) FROM T')\n",
            running.dsn,
            own_engine.password(),
        ]
    )
    wait_for(lambda: workers_of(running.pid))
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_for(lambda: not workers_of(running.pid))
    with connect_to(own_engine, schema="S") as connection:
        assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]
        connection.execute("DROP TABLE T")


def test_a_worker_that_is_killed_ends_its_statement_only(own_engine: EngineHome) -> None:
    running = own_engine.running()
    assert running is not None
    with connect_to(own_engine) as connection:
        connection.execute("CREATE SCHEMA S")
        connection.execute(LOOP)
        thread, outcome = in_background(lambda: connection.execute("SELECT LOOP(1)"))
        wait_for(lambda: workers_of(running.pid))
        time.sleep(0.3)
        for child in workers_of(running.pid):
            os.kill(child, signal.SIGKILL)
        thread.join(10)
        assert isinstance(outcome[0], pyexasol.ExaQueryError)
        assert outcome[0].code == "22002"
        assert rows(connection, "SELECT 1") == [(1,)]


def test_a_killed_engine_takes_its_workers_along_and_keeps_what_was_committed(
    own_engine: EngineHome,
) -> None:
    running = own_engine.running()
    assert running is not None
    connection = connect_to(own_engine)
    connection.execute('CREATE SCHEMA "s x"')
    connection.execute('CREATE TABLE T (A INT PRIMARY KEY, "b" VARCHAR(5))')
    connection.execute("INSERT INTO T VALUES (1, 'x'), (2, '')")
    connection.execute('CREATE VIEW V AS SELECT A, NVL2("b", 1, 0) AS B FROM T')
    connection.execute(ECHO)
    connection.execute(LOOP)
    connection.execute("COMMENT ON TABLE T IS 'kept'")
    connection.set_autocommit(False)
    connection.execute("INSERT INTO T VALUES (3, 'lost')")
    thread, outcome = in_background(lambda: connection.execute("SELECT LOOP(1)"))
    wait_for(lambda: workers_of(running.pid))
    workers = workers_of(running.pid)
    os.kill(running.pid, signal.SIGKILL)
    thread.join(10)
    assert isinstance(outcome[0], Exception)
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    start(own_engine, EngineSettings(port=0, workers=1))
    with connect_to(own_engine, schema="s x") as again:
        assert rows(again, 'SELECT A, "b" FROM T ORDER BY A') == [(1, "x"), (2, None)]
        assert rows(again, "SELECT A, B FROM V ORDER BY A") == [(1, 1), (2, 0)]
        assert rows(again, "SELECT ECHO(A) FROM T WHERE A = 2") == [("2",)]
        assert rows(again, "SELECT TABLE_COMMENT FROM EXA_ALL_TABLES") == [("kept",)]
        assert fails(again, "INSERT INTO T VALUES (1, 'y')", "27001")
        assert fails(again, "INSERT INTO T VALUES (4, 'too long')", "22001")
