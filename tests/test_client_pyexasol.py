"""pyexasol 3 as it is published: what its own tests ask of a database, in our words.

What needs a cluster, an access token or a proxy is not here; the HTTP transport has tests of its
own.
"""

from __future__ import annotations

import datetime
import decimal
import importlib.metadata
import threading
import time
from typing import Any

import pyexasol
import pytest
from pyexasol.data_types import convert_websocket_to_python

from exallm.local.engine_home import USER, EngineHome
from tests.conftest import Connect
from tests.pyexasol_people import NAMES, PEOPLE, SORTED, TYPES

pytest_plugins = ("tests.pyexasol_people",)


class TestConnecting:
    def test_the_session_knows_its_server(self, connect: Connect, schema: str) -> None:
        with connect(schema=schema) as connection:
            assert connection.protocol_version() == 3
            assert int(connection.session_id()) > 0
            assert connection.current_schema() == schema
            assert str(connection.exasol_db_version).split(".")[0].isdecimal()
            assert connection.login_info["maxVarcharLength"] == 2_000_000
            assert int(connection.execute("SELECT CURRENT_SESSION").fetchval()) == int(
                connection.session_id()
            )

    @pytest.mark.parametrize("options", [{"compression": True}, {"json_lib": "json"}])
    def test_options_that_change_the_frames(
        self, connect: Connect, schema: str, options: dict[str, Any]
    ) -> None:
        with connect(schema=schema, **options) as connection:
            assert connection.execute(SORTED).fetchall() == PEOPLE

    def test_a_schema_that_is_not_there(self, connect: Connect) -> None:
        with pytest.raises(pyexasol.ExaRequestError, match="NOSUCH not found") as caught:
            connect(schema="NOSUCH")
        assert caught.value.code == "42000"

    @pytest.mark.parametrize("wrong", [{"user": "nobody"}, {"password": "wrong"}])
    def test_wrong_credentials(self, connect: Connect, wrong: dict[str, str]) -> None:
        with pytest.raises(pyexasol.ExaAuthError):
            connect(**wrong)

    def test_a_port_where_nobody_listens(self, engine: EngineHome) -> None:
        with pytest.raises(pyexasol.ExaConnectionFailedError):
            pyexasol.connect(
                dsn="127.0.0.1:1", user=USER, password=engine.password(), encryption=False
            )

    def test_a_closed_connection_refuses_work(self, connect: Connect) -> None:
        connection = connect()
        connection.close()
        assert connection.is_closed
        with pytest.raises(pyexasol.ExaRuntimeError):
            connection.execute("SELECT 1")

    def test_leaving_and_coming_back(self, connect: Connect, schema: str) -> None:
        first = connect(schema=schema)
        number = first.session_id()
        first.close()
        with connect(schema=schema) as second:
            assert second.session_id() != number
            assert second.execute(SORTED).fetchval() == 1

    def test_schema_and_autocommit_and_timeout_are_attributes(
        self, connect: Connect, schema: str
    ) -> None:
        with connect(autocommit=False, query_timeout=7) as connection:
            assert connection.current_schema() == ""
            connection.open_schema(schema)
            assert connection.current_schema() == schema
            assert connection.attr["autocommit"] is False
            connection.set_autocommit(True)
            connection.set_query_timeout(9)
            connection.get_attr()
            assert (connection.attr["autocommit"], connection.attr["queryTimeout"]) == (True, 9)

    def test_snapshot_transactions_may_be_asked_for(self, connect: Connect, schema: str) -> None:
        with connect(schema=schema, snapshot_transactions=True) as connection:
            assert connection.execute(SORTED).rowcount() == 3

    def test_nodes(self, people: Any) -> None:
        (node,) = people.get_nodes()
        assert (node["ipaddr"], node["idx"]) == ("127.0.0.1", 1)

    def test_the_time_of_a_statement_is_measured(self, people: Any) -> None:
        assert people.execute("SELECT 1").execution_time > 0
        assert people.last_statement().fetchval() == 1


class TestSessions:
    QUERY = "SELECT CLIENT, DRIVER, OS_USER FROM EXA_DBA_SESSIONS WHERE SESSION_ID=CURRENT_SESSION"

    def test_what_pyexasol_says_of_itself(self, connect: Connect) -> None:
        with connect() as connection:
            _, driver, user = connection.execute(self.QUERY).fetchone()
        assert driver == f"PyExasol {importlib.metadata.version('pyexasol')}"
        assert user

    def test_what_the_caller_says(self, connect: Connect) -> None:
        said = {"client_name": "Mine", "client_version": "1.2.3", "client_os_username": "cat"}
        with connect(**said) as connection:
            client, _, user = connection.execute(self.QUERY).fetchone()
        assert (client, user) == ("Mine 1.2.3", "cat")

    def test_an_ended_session_is_gone(self, connect: Connect) -> None:
        query = "SELECT SESSION_ID, USER_NAME, COMMAND_NAME FROM EXA_ALL_SESSIONS"
        with connect() as watcher:
            other = connect()
            ids = [str(row[0]) for row in watcher.execute(query)]
            assert other.session_id() in ids
            other.close()
            deadline = time.monotonic() + 10
            while other.session_id() in [str(row[0]) for row in watcher.execute(query)]:
                assert time.monotonic() < deadline
            own = [row for row in watcher.execute(query) if str(row[0]) == watcher.session_id()]
            assert own == [(watcher.session_id(), "SYS", "SELECT")]

    def test_parameters_of_a_session(self, connect: Connect) -> None:
        query = (
            "SELECT SESSION_VALUE, SYSTEM_VALUE FROM EXA_PARAMETERS WHERE PARAMETER_NAME = {name}"
        )
        with connect() as connection:
            connection.execute("ALTER SESSION SET QUERY_CACHE = 'READONLY'")
            found = connection.execute(query, {"name": "QUERY_CACHE"}).fetchone()
            assert found == ("READONLY", "OFF")
            with pytest.raises(pyexasol.ExaQueryError, match="another PROFILE than OFF"):
                connection.execute("ALTER SESSION SET PROFILE = 'ON'")
            with pytest.raises(pyexasol.ExaQueryError, match="unknown parameter"):
                connection.execute("ALTER SESSION SET NOSUCH = 'ON'")

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("YYYY-MM-DD HH24:MI:SS", "2018-04-03 18:36:40"),
            ("YYYY-MM-DDTHH:MI:SS.FF6", "2018-04-03T18:36:40.553000"),
            ("YYYY-MM-DD HH24:MI:SS.FF3", "2018-04-03 18:36:40.553"),
            ("YYYY-MM-DD HH24:MI:SS.FF9", "2018-04-03 18:36:40.553000000"),
        ],
    )
    def test_timestamp_formats(self, people: Any, form: str, text: str) -> None:
        people.execute(f"ALTER SESSION SET NLS_TIMESTAMP_FORMAT = '{form}'")
        assert people.execute("SELECT SEEN_AT FROM PEOPLE WHERE ID = 1").fetchval() == text
        people.get_attr()
        assert people.attr["datetimeFormat"] == form


class TestFetching:
    def test_rows_one_by_one_in_pieces_and_all(self, people: Any) -> None:
        statement = people.execute(SORTED)
        assert statement.fetchone() == PEOPLE[0]
        assert statement.fetchmany(1) == PEOPLE[1:2]
        assert statement.fetchall() == PEOPLE[2:]
        assert (statement.fetchone(), statement.fetchmany(2), statement.fetchall()) == (
            None,
            [],
            [],
        )
        assert statement.rowcount() == 3

    def test_iterating(self, people: Any) -> None:
        assert list(people.execute(SORTED)) == PEOPLE
        with people.execute(SORTED) as statement:
            assert next(statement) == PEOPLE[0]

    def test_one_column_and_one_value(self, people: Any) -> None:
        query = "SELECT NAME, ID FROM PEOPLE ORDER BY ID"
        assert people.execute(query).fetchcol() == ["Ann", "Bea", "Cyd"]
        statement = people.execute(query)
        assert [statement.fetchval() for _ in range(4)] == ["Ann", "Bea", "Cyd", None]

    def test_dicts(self, connect: Connect, schema: str) -> None:
        with connect(schema=schema, fetch_dict=True) as connection:
            rows = connection.execute(SORTED).fetchall()
        assert rows == [dict(zip(NAMES, row, strict=True)) for row in PEOPLE]

    def test_names_in_small_letters(self, connect: Connect, schema: str) -> None:
        with connect(schema=schema, fetch_dict=True, lower_ident=True) as connection:
            assert list(connection.execute(SORTED).fetchone()) == [name.lower() for name in NAMES]
            assert connection.execute("SELECT 1 AS A").column_names() == ["a"]

    def test_python_values(self, connect: Connect, schema: str) -> None:
        with connect(schema=schema, fetch_mapper=convert_websocket_to_python) as connection:
            row = connection.execute(SORTED).fetchone()
        assert row == (
            1,
            "Ann",
            datetime.date(2018, 7, 12),
            datetime.datetime(2018, 4, 3, 18, 36, 40, 553000),
            True,
            decimal.Decimal("0.70000"),
            None,
        )

    def test_columns_of_a_result(self, people: Any) -> None:
        statement = people.execute(SORTED)
        assert statement.columns() == dict(zip(NAMES, TYPES, strict=True))
        assert statement.column_names() == NAMES

    def test_no_rows(self, people: Any) -> None:
        statement = people.execute("SELECT * FROM PEOPLE WHERE FALSE")
        assert (statement.rowcount(), statement.fetchall()) == (0, [])
        assert statement.columns() == dict(zip(NAMES, TYPES, strict=True))

    def test_rows_in_many_pieces(self, connect: Connect, schema: str) -> None:
        digits = "(SELECT ID FROM PEOPLE) D{}"
        sources = ", ".join(digits.format(number) for number in range(8))
        with connect(schema=schema, fetch_size_bytes=4096) as connection:
            statement = connection.execute(f"SELECT D0.ID, 'x' AS T FROM {sources} ORDER BY 1")
            rows = statement.fetchall()
        assert len(rows) == statement.rowcount() == 3**8
        assert (rows[0], rows[-1]) == ((1, "x"), (3, "x"))

    def test_a_wide_row(self, people: Any) -> None:
        wide = ", ".join(f"{number} AS C{number}" for number in range(1000))
        statement = people.execute(f"SELECT {wide}")
        assert statement.fetchone() == tuple(range(1000))
        assert len(statement.column_names()) == 1000

    def test_a_statement_that_gives_no_rows(self, people: Any) -> None:
        statement = people.execute("COMMIT")
        with pytest.raises(pyexasol.ExaRuntimeError):
            statement.fetchone()

    def test_a_closed_result(self, connect: Connect, schema: str) -> None:
        sources = ", ".join(f"PEOPLE P{number}" for number in range(8))
        with connect(schema=schema, fetch_size_bytes=1024) as connection:
            statement = connection.execute(f"SELECT P0.ID, P1.NAME FROM {sources}")
            statement.fetchone()
            statement.close()
            with pytest.raises(pyexasol.ExaRequestError):
                statement.fetchall()

    def test_two_columns_of_one_name(self, people: Any) -> None:
        with pytest.raises(pyexasol.ExaRuntimeError):
            people.execute("SELECT NAME, NAME FROM PEOPLE")


class TestFormatting:
    @pytest.mark.parametrize(
        ("query", "values", "result"),
        [
            ("SELECT {x} AS V", {"x": "O'Neil"}, "O'Neil"),
            ("SELECT {x} AS V", {"x": 'a\\b%_\n\t"ü漢😀'}, 'a\\b%_\n\t"ü漢😀'),
            ("SELECT {x!s} AS V", {"x": 5}, "5"),
            ("SELECT {x!d} AS V", {"x": "-17"}, -17),
            ("SELECT {x!f} AS V", {"x": 0.5}, "0.5"),
            ("SELECT {x!d} AS V", {"x": None}, None),
            ("SELECT {x} AS V", {"x": None}, None),
            ("SELECT {x} AS V", {"x": ""}, None),
            (
                "SELECT NAME FROM {t!i} WHERE {c!i} = {x!d}",
                {"t": "PEOPLE", "c": "id", "x": 2},
                "Bea",
            ),
            ("SELECT NAME FROM {t!q} WHERE ID = 2", {"t": ("PYEXASOL_TEST", "PEOPLE")}, "Bea"),
            ("SELECT COUNT(*) FROM PEOPLE WHERE NAME IN ({n})", {"n": ["Ann", "Cyd"]}, 2),
            ("SELECT COUNT(*) FROM PEOPLE WHERE {w!r}", {"w": "ID > 1"}, 2),
            ("SELECT '{{}}' AS V", {}, "{}"),
        ],
    )
    def test_values_in_queries(
        self, people: Any, query: str, values: dict[str, Any], result: object
    ) -> None:
        assert people.execute(query, values).fetchval() == result

    @pytest.mark.parametrize("name", ["x y", "a;b", 'a"b', "1a", ""])
    def test_names_that_are_none(self, people: Any, name: str) -> None:
        with pytest.raises(ValueError, match="not a safe identifier"):
            people.execute("SELECT 1 FROM {t!i}", {"t": name})

    def test_a_name_in_quotes_keeps_its_letters(self, people: Any) -> None:
        people.execute("CREATE TABLE {t!q} ({c!q} INT)", {"t": "camelCase", "c": 'It\'s a "name"!'})
        try:
            people.execute("INSERT INTO {t!q} VALUES (1)", {"t": "camelCase"})
            statement = people.execute("SELECT * FROM {t!q}", {"t": "camelCase"})
            assert statement.column_names() == ['It\'s a "name"!']
            with pytest.raises(pyexasol.ExaQueryError, match="CAMELCASE not found"):
                people.execute("SELECT * FROM {t!i}", {"t": "camelCase"})
        finally:
            people.execute('DROP TABLE "camelCase"')

    def test_names_in_brackets_are_names_in_quotes(self, people: Any) -> None:
        statement = people.execute("SELECT ID AS [the id], [NAME] FROM [PEOPLE] ORDER BY [the id]")
        assert statement.column_names() == ["the id", "NAME"]
        with pytest.raises(pyexasol.ExaQueryError, match="people not found"):
            people.execute("SELECT * FROM [people]")

    def test_patterns_are_escaped(self, people: Any) -> None:
        pattern = people.format.escape_like("100%_\\")
        assert people.execute(f"SELECT '100%_\\' LIKE '{pattern}' AS V").fetchval() is True
        assert people.execute(f"SELECT '100ab\\' LIKE '{pattern}' AS V").fetchval() is False


class TestEdges:
    VALUES = (
        ("9" * 36, "0." + "9" * 36, 1.7e308, True, "9999-12-31", "9999-12-31 23:59:59.999000"),
        (
            "-" + "9" * 36,
            "-0." + "9" * 36,
            -1.7e308,
            False,
            "0001-01-01",
            "0001-01-01 00:00:00.000000",
        ),
        (None, None, None, None, None, None),
    )

    def test_the_smallest_and_the_largest(self, people: Any) -> None:
        people.execute(
            "CREATE OR REPLACE TABLE EDGES (A DECIMAL(36,0), B DECIMAL(36,36), C DOUBLE, D BOOLEAN,"
            " E DATE, F TIMESTAMP)"
        )
        try:
            for row in self.VALUES:
                values = dict(zip("abcdef", row, strict=True))
                people.execute(
                    "INSERT INTO EDGES VALUES ({a!d}, {b!d}, {c!f}, {d}, {e}, {f})", values
                )
            found = people.execute("SELECT * FROM EDGES ORDER BY A DESC NULLS LAST").fetchall()
            assert [tuple(row) for row in found] == list(self.VALUES)
        finally:
            people.execute("DROP TABLE EDGES")

    def test_two_million_characters(self, people: Any) -> None:
        text = "ひ" * 2_000_000
        people.execute("CREATE OR REPLACE TABLE LONG_TEXTS (T VARCHAR(2000000))")
        try:
            people.execute("INSERT INTO LONG_TEXTS VALUES ({t})", {"t": text})
            assert people.execute("SELECT T FROM LONG_TEXTS").fetchval() == text
            with pytest.raises(pyexasol.ExaQueryError, match="right truncation") as caught:
                people.execute("INSERT INTO LONG_TEXTS SELECT T || 'x' FROM LONG_TEXTS")
            assert caught.value.code == "22001"
        finally:
            people.execute("DROP TABLE LONG_TEXTS")

    def test_a_long_statement(self, people: Any) -> None:
        values = {f"v{number}": "x" * 1_000_000 for number in range(3)}
        statement = people.execute("SELECT {v0} AS A, {v1} AS B, {v2} AS C", values)
        assert [len(value) for value in statement.fetchone()] == [1_000_000] * 3


class TestErrors:
    def test_an_error_tells_its_code_and_query(self, people: Any) -> None:
        with pytest.raises(pyexasol.ExaQueryError) as caught:
            people.execute("SELECT1")
        assert caught.value.code == "42000"
        assert caught.value.query == "SELECT1"
        assert "syntax error" in caught.value.message
        assert people.execute("SELECT 1").fetchval() == 1

    def test_a_running_statement_is_aborted(self, connect: Connect) -> None:
        with connect() as connection:
            sources = ", ".join(f"(VALUES (0), (1), (2), (3), (4)) AS V{n} (A)" for n in range(14))
            timer = threading.Timer(0.5, connection.abort_query)
            timer.start()
            with pytest.raises(pyexasol.ExaQueryAbortError):
                connection.execute(f"SELECT SUM(V0.A * V1.A) FROM {sources}")
            timer.join()
            assert connection.execute("SELECT 1").fetchval() == 1

    def test_a_statement_that_takes_too_long(self, connect: Connect) -> None:
        with connect(query_timeout=1) as connection:
            sources = ", ".join(f"(VALUES (0), (1), (2), (3), (4)) AS V{n} (A)" for n in range(14))
            with pytest.raises(pyexasol.ExaQueryTimeoutError):
                connection.execute(f"SELECT SUM(V0.A * V1.A) FROM {sources}")


class TestTransactions:
    def test_rollback_and_commit(self, connect: Connect, schema: str) -> None:
        count = "SELECT COUNT(*) FROM NUMBERS"
        with connect(schema=schema, autocommit=False) as connection:
            connection.execute("CREATE TABLE NUMBERS (A INT)")
            connection.execute("INSERT INTO NUMBERS VALUES (1), (2)")
            connection.commit()
            assert connection.execute("TRUNCATE TABLE NUMBERS").rowcount() == 2
            connection.rollback()
            assert connection.execute(count).fetchval() == 2
            connection.execute("DELETE FROM NUMBERS WHERE A = 1")
            connection.commit()
            connection.rollback()
            assert connection.execute(count).fetchval() == 1
            connection.execute("DROP TABLE NUMBERS")
            connection.rollback()
            assert connection.meta.table_exists("NUMBERS")
            connection.execute("DROP TABLE NUMBERS")
            connection.commit()


class TestScripts:
    def test_statements_between_semicolons(self, people: Any) -> None:
        statements = people.execute_sql_script(
            'CREATE TABLE SPLIT ("VALUE;TEXT" VARCHAR(20));\n'
            "-- a comment; with a semicolon\n"
            "INSERT INTO SPLIT VALUES ('a;b');\n"
            "/* another; one */\n"
            'SELECT "VALUE;TEXT" FROM SPLIT;\nDROP TABLE SPLIT;'
        )
        assert statements[1].rowcount() == 1
        assert statements[2].fetchall() == [("a;b",)]

    def test_a_script_ends_with_a_slash(self, people: Any) -> None:
        statements = people.execute_sql_script(
            "CREATE PYTHON3 SCALAR SCRIPT ANSWER() RETURNS DOUBLE AS\n"
            "def run(ctx):\n    value = 1;\n    return value + 41.0\n/\n"
            "SELECT ANSWER();\nDROP SCRIPT ANSWER;"
        )
        assert statements[1].fetchval() == 42

    def test_the_first_error_ends_it(self, people: Any) -> None:
        with pytest.raises(pyexasol.ExaQueryError, match="NOSUCH not found"):
            people.execute_sql_script(
                "CREATE TABLE HALF_WAY (A INT); SELECT * FROM NOSUCH;"
                " INSERT INTO HALF_WAY VALUES 1;"
            )
        assert people.execute("SELECT COUNT(*) FROM HALF_WAY").fetchval() == 0
        people.execute("DROP TABLE HALF_WAY")


class TestPreparedStatements:
    def test_columns_without_running(self, people: Any) -> None:
        columns = people.meta.sql_columns("SELECT P.*, P.ID + 1 AS NEXT_ID FROM PEOPLE P")
        assert columns == dict(zip(NAMES, TYPES, strict=True)) | {
            "NEXT_ID": {"type": "DECIMAL", "precision": 19, "scale": 0}
        }
        assert people.ext.get_columns("people") == dict(zip(NAMES, TYPES, strict=True))

    def test_rows_of_values(self, people: Any) -> None:
        people.execute("CREATE OR REPLACE TABLE PAIRS (A INT, B VARCHAR(5))")
        people.ext.insert_multi("PAIRS", [(1, "a"), (2, None)])
        people.ext.insert_multi("PAIRS", [("c", 3)], columns=["B", "A"])
        rows = people.execute("SELECT * FROM PAIRS ORDER BY A").fetchall()
        assert rows == [(1, "a"), (2, None), (3, "c")]
        statement = people.create_prepared_statement("SELECT B FROM PAIRS WHERE A = ?")
        statement.execute_prepared([(3,)])
        assert statement.fetchall() == [("c",)]
        statement.close()
        people.execute("DROP TABLE PAIRS")
