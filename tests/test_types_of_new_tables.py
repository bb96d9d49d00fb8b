"""Declared types where tables are made anew: ALTER TABLE, RENAME, CREATE TABLE ... AS and LIKE."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest

COLUMNS = {
    "C": "CHAR(5) ASCII",
    "V": "VARCHAR(7) ASCII",
    "T": "TIMESTAMP(1)",
    "L": "TIMESTAMP(4) WITH LOCAL TIME ZONE",
    "H": "HASHTYPE(2 BYTE)",
    "Y": "INTERVAL YEAR(3) TO MONTH",
    "D": "INTERVAL DAY(4) TO SECOND(2)",
    "N": "DECIMAL(9,2)",
}
VALUES = (
    "'ab', 'x', '2024-01-31 01:02:03.456', '2024-01-31 01:02:03.456789', '00ff',"
    " '1-6', '1 2:03:04', 1"
)
SENT = (
    "ab   ",
    "x",
    "2024-01-31 01:02:03.400000",
    "2024-01-31 01:02:03.456700",
    "00ff",
    "+001-06",
    "+0001 02:03:04.00",
    "1.00",
)


def described(connection: Any, name: str) -> dict[str, str]:
    return dict(row[:2] for row in connection.execute(f"DESCRIBE {name}").fetchall())


def in_catalogue(connection: Any, name: str) -> dict[str, str]:
    sql = (
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM EXA_ALL_COLUMNS WHERE COLUMN_SCHEMA = CURRENT_SCHEMA"
        f" AND COLUMN_TABLE = '{name}'"
    )
    return dict(connection.execute(sql).fetchall())


def sent(connection: Any, sql: str) -> list[tuple[str, int | None]]:
    types = connection.execute(sql).columns().values()
    return [(type_["type"], type_.get("size")) for type_ in types]


@pytest.fixture
def table(connection: Any) -> Any:
    listed = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TABLE A ({listed})")
    connection.execute(f"INSERT INTO A VALUES ({VALUES})")
    return connection


def check(connection: Any, name: str, columns: dict[str, str]) -> None:
    assert described(connection, name) == columns
    assert in_catalogue(connection, name) == columns
    listed = ", ".join(columns)
    assert connection.execute(f"SELECT {listed} FROM {name}").fetchone()[: len(SENT)] == SENT


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("ADD COLUMN Z CHAR(3) DEFAULT 'q'", {"Z": "CHAR(3) UTF8"}),
        ("ALTER COLUMN N SET DEFAULT 3", {}),
        ("MODIFY COLUMN N DECIMAL(12,2)", {"N": "DECIMAL(12,2)"}),
        ("MODIFY COLUMN C CHAR(5) NOT NULL", {"C": "CHAR(5) UTF8"}),
        ("ADD CONSTRAINT K PRIMARY KEY (C)", {}),
    ],
)
def test_alter_table_keeps_types(table: Any, action: str, changes: dict[str, str]) -> None:
    table.execute(f"ALTER TABLE A {action}")
    check(table, "A", {**COLUMNS, **changes})


def test_a_renamed_column_and_table_keep_their_types(table: Any) -> None:
    table.execute("ALTER TABLE A RENAME COLUMN C TO C2")
    table.execute("DROP TABLE IF EXISTS B")
    table.execute("RENAME TABLE A TO B")
    check(table, "B", {{"C": "C2"}.get(name, name): type_ for name, type_ in COLUMNS.items()})


def test_a_dropped_column_leaves_the_others_as_they_were(table: Any) -> None:
    table.execute("ALTER TABLE A DROP COLUMN N")
    left = {name: type_ for name, type_ in COLUMNS.items() if name != "N"}
    assert described(table, "A") == in_catalogue(table, "A") == left


@pytest.mark.parametrize(
    "sql",
    ["CREATE OR REPLACE TABLE B AS SELECT * FROM A", "CREATE OR REPLACE VIEW B AS SELECT * FROM A"],
)
def test_a_table_or_view_of_a_query_has_the_types_of_its_columns(table: Any, sql: str) -> None:
    table.execute("DROP VIEW IF EXISTS B" if "TABLE" in sql else "DROP TABLE IF EXISTS B")
    table.execute(sql)
    check(table, "B", COLUMNS)


def test_a_table_that_replaces_what_it_reads(table: Any) -> None:
    table.execute("CREATE OR REPLACE TABLE A AS SELECT * FROM A")
    check(table, "A", COLUMNS)


def test_a_table_like_another(table: Any) -> None:
    table.execute("CREATE OR REPLACE TABLE M LIKE A")
    assert described(table, "M") == in_catalogue(table, "M") == COLUMNS


def test_a_renamed_view_keeps_its_columns(table: Any) -> None:
    table.execute("CREATE OR REPLACE VIEW W AS SELECT C, D FROM A")
    table.execute("RENAME VIEW W TO W2")
    assert in_catalogue(table, "W2") == {"C": COLUMNS["C"], "D": COLUMNS["D"]}
    assert in_catalogue(table, "W") == {}


def test_a_type_that_changes_changes_the_values(table: Any) -> None:
    table.execute("ALTER TABLE A MODIFY COLUMN T TIMESTAMP(0)")
    table.execute("ALTER TABLE A MODIFY COLUMN C VARCHAR(6)")
    table.execute("ALTER TABLE A MODIFY COLUMN V CHAR(9)")
    sql = "SELECT T, C || '|', V || '|' FROM A"
    assert table.execute(sql).fetchone() == ("2024-01-31 01:02:03.000000", "ab   |", "x        |")
    with pytest.raises(pyexasol.ExaQueryError, match="right truncation"):
        table.execute("ALTER TABLE A MODIFY COLUMN V CHAR(8) DEFAULT 'longer than that'")


def test_calculated_texts_have_sizes(table: Any) -> None:
    sql = (
        "SELECT C, UPPER(C), C || V, CASE WHEN 1 = 1 THEN C ELSE V END, 'abc', REPEAT(V, 2) FROM A"
    )
    sizes = [("CHAR", 5), ("VARCHAR", 5), ("VARCHAR", 12), ("VARCHAR", 7), ("VARCHAR", 3)]
    assert sent(table, sql) == [*sizes, ("VARCHAR", 2_000_000)]
    assert sent(table, "SELECT LAG(V, 1, 'longer than V') OVER (ORDER BY N) FROM A") == [
        ("VARCHAR", 13)
    ]


def test_blanks_of_a_char_do_not_count_where_it_is_compared(table: Any) -> None:
    sql = (
        "SELECT NULLIF(C, 'ab'), DECODE(C, 'ab', 1, 2), LEAST(C, 'abc'), LEFT(C, 2),"
        " COALESCE(C, 'x') || '|' FROM A"
    )
    assert table.execute(sql).fetchone() == (None, 1, "ab   ", "ab", "ab   |")
    table.execute("CREATE OR REPLACE TABLE B (C CHAR(9))")
    for sql in ("SELECT 1 FROM A JOIN B USING (C)", "SELECT 1 FROM A NATURAL JOIN B"):
        with pytest.raises(pyexasol.ExaQueryError, match="CHAR beside another text in USING"):
            table.execute(sql)
    table.execute("CREATE OR REPLACE TABLE B (C CHAR(5))")
    table.execute("INSERT INTO B VALUES ('ab')")
    assert table.execute("SELECT 1 FROM A JOIN B USING (C)").fetchall() == [(1,)]


def test_default_beside_a_marker(table: Any) -> None:
    table.execute("CREATE OR REPLACE TABLE B (A CHAR(3), I INT DEFAULT 7)")
    statement = table.create_prepared_statement("INSERT INTO B VALUES (?, DEFAULT)")
    statement.execute_prepared([("a",), ("b",)])
    assert table.execute("SELECT A, I FROM B ORDER BY A").fetchall() == [("a  ", 7), ("b  ", 7)]
