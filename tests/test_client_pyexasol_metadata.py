"""pyexasol 3 as it is published: what it tells of objects, by ``meta`` and by ``ext``."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest
from pyexasol.data_types import WebSocketDataType

from tests.pyexasol_people import NAMES

pytest_plugins = ("tests.pyexasol_people",)


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
