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
from collections.abc import Iterator
from typing import Any

import pyexasol
import pytest
from exasol.driver.websocket import dbapi2
from pyexasol.data_types import ExaTimeDelta, WebSocketDataType, convert_websocket_to_python

from exallm.local.engine_home import USER, EngineHome
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


class TestMetadata:
    def test_what_is_there(self, people: Any) -> None:
        assert people.meta.schema_exists("pyexasol_test")
        assert not people.meta.schema_exists("nosuch")
        assert people.meta.table_exists("people")
        assert people.meta.table_exists(("PYEXASOL_TEST", "people"))
        assert not people.meta.table_exists("members")
        assert people.meta.view_exists("members")
        assert not people.meta.view_exists("people")
        assert not people.meta.view_exists(("NOSUCH", "members"))

    def test_lists_by_pattern(self, people: Any) -> None:
        meta = people.meta
        (schema,) = meta.list_schemas("PYEXASOL\\_T%")
        assert (schema["SCHEMA_NAME"], schema["SCHEMA_OWNER"]) == ("PYEXASOL_TEST", "SYS")
        assert schema["SCHEMA_IS_VIRTUAL"] is False
        (table,) = meta.list_tables("PYEXASOL_TEST")
        assert (table["TABLE_NAME"], table["TABLE_ROW_COUNT"]) == ("PEOPLE", 3)
        (view,) = meta.list_views("PYEXASOL_TEST")
        assert (view["VIEW_NAME"], view["SCOPE_SCHEMA"]) == ("MEMBERS", "PYEXASOL_TEST")
        assert view["VIEW_TEXT"].startswith("CREATE VIEW MEMBERS AS")
        assert meta.list_schemas("NOSUCH%") == []

    def test_columns_of_tables_and_views(self, people: Any) -> None:
        columns = people.meta.list_columns("PYEXASOL_TEST", column_name_pattern="%ING%")
        types = {(c["COLUMN_TABLE"], c["COLUMN_OBJECT_TYPE"], c["COLUMN_TYPE"]) for c in columns}
        assert types == {
            ("PEOPLE", "TABLE", "DECIMAL(10,5)"),
            ("MEMBERS", "VIEW", "DECIMAL(10,5)"),
        }
        in_table = people.meta.list_columns("PYEXASOL_TEST", "PEOPLE")
        listed = sorted(in_table, key=lambda column: int(column["COLUMN_ORDINAL_POSITION"]))
        assert [
            (c["COLUMN_NAME"], c["COLUMN_TYPE"], c["COLUMN_MAXSIZE"], c["COLUMN_NUM_SCALE"])
            for c in listed
        ] == [
            ("ID", "DECIMAL(18,0)", 18, 0),
            ("NAME", "VARCHAR(50) UTF8", 50, None),
            ("BORN", "DATE", 10, None),
            ("SEEN_AT", "TIMESTAMP(3)", 29, None),
            ("IS_MEMBER", "BOOLEAN", 1, None),
            ("RATING", "DECIMAL(10,5)", 10, 5),
            ("SCORE", "DOUBLE", 64, None),
        ]

    def test_objects_sizes_and_indices(self, people: Any) -> None:
        objects = people.meta.list_objects(root_name_pattern="PYEXASOL_TEST")
        assert {(o["OBJECT_NAME"], o["OBJECT_TYPE"], o["ROOT_TYPE"]) for o in objects} == {
            ("PEOPLE", "TABLE", "SCHEMA"),
            ("MEMBERS", "VIEW", "SCHEMA"),
        }
        (size,) = people.meta.list_object_sizes("PEOPLE", "TABLE")
        assert size["OWNER"] == "SYS"
        (index,) = people.meta.list_indices("PYEXASOL_TEST")
        assert (index["INDEX_TABLE"], index["INDEX_OWNER"]) == ("PEOPLE", "SYS")

    def test_words(self, people: Any) -> None:
        words = people.meta.list_sql_keywords()
        assert {"SELECT", "TABLE", "YEAR", "HASHTYPE", "QUALIFY"} <= set(words)
        assert not {"ID", "NAME", "PEOPLE"} & set(words)

    def test_commands_without_sql(self, people: Any) -> None:
        ask = people.meta.execute_meta_nosql
        schemas = {row["NAME"] for row in ask("getSchemas")}
        assert {"SYS", "EXA_STATISTICS", "PYEXASOL_TEST"} <= schemas
        assert {row["NAME"] for row in ask("getSchemas", {"schema": "PYEX%"})} == {"PYEXASOL_TEST"}
        assert ask("getSchemas", {"schema": ""}).fetchall() == []
        tables = ask("getTables", {"schema": "PYEXASOL_TEST"}).fetchall()
        assert [(t["TABLE_TYPE"], t["NAME"]) for t in tables] == [
            ("TABLE", "PEOPLE"),
            ("VIEW", "MEMBERS"),
        ]
        columns = ask("getColumns", {"schema": "PYEXASOL_TEST", "table": "PEOPLE"}).fetchall()
        assert [column["NAME"] for column in columns] == NAMES
        assert columns[1]["TYPE"] == "VARCHAR(50) UTF8"
        (key,) = ask("getPrimaryKeys", {"schema": "PYEXASOL_TEST", "table": "PEOPLE"})
        assert (key["COLUMN_NAME"], key["ORDINAL_POSITION"]) == ("ID", 1)

    @pytest.mark.parametrize(
        ("command", "columns", "known"),
        [
            ("getTableTypes", 1, "VIEW"),
            ("getTypeInfo", 19, "VARCHAR"),
            ("getKeywords", 2, "SELECT"),
            ("getProperties", 2, "databaseProductVersion"),
            ("getUsers", 4, "SYS"),
            ("getRoles", 4, "DBA"),
            ("getCatalogs", 1, "EXA_DB"),
        ],
    )
    def test_more_commands(self, people: Any, command: str, columns: int, known: str) -> None:
        statement = people.meta.execute_meta_nosql(command)
        assert len(statement.column_names()) == columns
        assert known in [next(iter(row.values())) for row in statement]

    @pytest.mark.parametrize(
        ("command", "columns"),
        [
            ("getConnections", 3),
            ("getFunctions", 4),
            ("getScripts", 8),
            ("getTablePrivileges", 6),
            ("getColumnPrivileges", 7),
        ],
    )
    def test_commands_about_what_is_not_there(
        self, people: Any, command: str, columns: int
    ) -> None:
        place = {"schema": "PYEXASOL_TEST"} if command != "getConnections" else {"name": "NOSUCH"}
        statement = people.meta.execute_meta_nosql(command, place)
        assert (len(statement.column_names()), statement.fetchall()) == (columns, [])

    def test_a_pattern_is_a_text(self, people: Any) -> None:
        with pytest.raises(pyexasol.ExaRequestError, match="takes texts"):
            people.meta.execute_meta_nosql("getTables", {"schema": 7})
        with pytest.raises(pyexasol.ExaRequestError, match="takes a list"):
            people.meta.execute_meta_nosql("getTables", {"tableTypes": "TABLE"})
        with pytest.raises(pyexasol.ExaRequestError, match="getNothing"):
            people.meta.execute_meta_nosql("getNothing")

    def test_types_of_the_catalogue_are_those_of_results(self, people: Any) -> None:
        listed = {row[0] for row in people.execute("SELECT TYPE_NAME FROM EXA_SQL_TYPES")}
        results = {kind.value for kind in WebSocketDataType}
        others = {
            "BIGINT": "DECIMAL",
            "INTEGER": "DECIMAL",
            "SMALLINT": "DECIMAL",
            "TINYINT": "DECIMAL",
            "FLOAT": "DOUBLE",
            "DOUBLE PRECISION": "DOUBLE",
            "LONG VARCHAR": "VARCHAR",
        }
        assert results - listed == {"DOUBLE", "GEOMETRY"}
        assert listed - results == set(others)
        for name, result in others.items():
            statement = people.execute(f"SELECT CAST(NULL AS {name}) AS V")
            assert statement.columns()["V"]["type"] == result


class TestExtensions:
    def test_tables_views_and_schemas(self, people: Any) -> None:
        (table,) = people.ext.get_sys_tables()
        assert (table["table_name"], table["table_is_virtual"]) == ("PEOPLE", False)
        (view,) = people.ext.get_sys_views()
        assert view["view_name"] == "MEMBERS"
        assert "PYEXASOL_TEST" in [s["schema_name"] for s in people.ext.get_sys_schemas("PYEX")]

    def test_columns_as_the_system_tables_have_them(self, people: Any) -> None:
        columns = people.ext.get_sys_columns("people")
        assert [(c["name"], c["type"], c["sql_type"], c["size"]) for c in columns] == [
            ("ID", "DECIMAL", "DECIMAL(18,0)", 18),
            ("NAME", "VARCHAR", "VARCHAR(50) UTF8", 50),
            ("BORN", "DATE", "DATE", 10),
            ("SEEN_AT", "TIMESTAMP", "TIMESTAMP(3)", 29),
            ("IS_MEMBER", "BOOLEAN", "BOOLEAN", 1),
            ("RATING", "DECIMAL", "DECIMAL(10,5)", 10),
            ("SCORE", "DOUBLE PRECISION", "DOUBLE", 64),
        ]
        assert (
            columns[1] | {"nulls": True, "distribution_key": False, "default": None} == columns[1]
        )

    def test_what_only_a_real_exasol_keeps(self, people: Any) -> None:
        with pytest.raises(pyexasol.ExaQueryError, match="not found"):
            people.ext.get_disk_space_usage()
        with pytest.raises(pyexasol.ExaQueryError, match="FLUSH"):
            people.ext.explain_last()


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


class TestDatabaseApi:
    """``exasol.driver.websocket.dbapi2``, the wrapper that SQLAlchemy's dialect uses."""

    @pytest.fixture
    def cursor(self, engine: EngineHome, schema: str) -> Iterator[Any]:
        running = engine.running()
        assert running is not None
        connection = dbapi2.connect(
            dsn=running.dsn, username=USER, password=engine.password(), schema=schema, tls=False
        )
        cursor = connection.cursor()
        yield cursor
        cursor.close()
        connection.close()

    def test_before_and_after_a_statement(self, cursor: Any) -> None:
        assert (cursor.description, cursor.rowcount) == (None, -1)
        cursor.execute(SORTED)
        assert cursor.rowcount == 3
        assert [column[:2] for column in cursor.description] == [
            (name, WebSocketDataType(kind["type"])) for name, kind in zip(NAMES, TYPES, strict=True)
        ]
        assert cursor.fetchone()[:2] == (1, "Ann")
        assert [row[0] for row in cursor.fetchmany(5)] == [2, 3]
        assert cursor.fetchone() is None

    def test_sizes_in_the_description(self, cursor: Any) -> None:
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

    def test_values_are_pythons(self, cursor: Any) -> None:
        cursor.execute("SELECT BORN, RATING, SEEN_AT FROM PEOPLE WHERE ID = 2")
        assert cursor.fetchall() == (
            (
                datetime.date(2018, 5, 24),
                decimal.Decimal("0.53000"),
                datetime.datetime(2018, 3, 24, 8, 8, 46, 251000),
            ),
        )

    def test_formats_that_the_wrapper_does_not_read(self, cursor: Any) -> None:
        cursor.execute("ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DDTHH:MI:SS.FF6'")
        with pytest.raises(dbapi2.InterfaceError, match="Unsupported NLS_TIMESTAMP_FORMAT"):
            cursor.execute("SELECT 1")
        cursor.execute("ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF3'")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)

    def test_errors_are_those_of_the_standard(self, cursor: Any) -> None:
        with pytest.raises(dbapi2.ProgrammingError):
            cursor.execute("SELEC 1")
        with pytest.raises(dbapi2.InterfaceError):
            cursor.fetchone()

    def test_intervals_become_durations(self, cursor: Any) -> None:
        cursor.execute("SELECT CAST('-6 01:00:00.5' AS INTERVAL DAY TO SECOND) AS D")
        assert cursor.fetchone() == (
            ExaTimeDelta(days=-6) - ExaTimeDelta(hours=1, milliseconds=500),
        )


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
