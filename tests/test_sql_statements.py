"""Statements: tables, changes, names, views, schemas, comments, connections, parameters."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest

ECHO = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT ECHO (A VARCHAR(2000000))
RETURNS VARCHAR(2000000) AS
def run(ctx):
    return ctx.A
"""
DOUBLED = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT DOUBLED (N INT) RETURNS INT AS
def run(ctx):
    return None if ctx.N is None else 2 * ctx.N
"""
UP_TO = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT UP_TO (N INT) EMITS (I INT, T VARCHAR(20)) AS
def run(ctx):
    for i in range(ctx.N):
        ctx.emit(i, "" if i == 0 else f"row {i}")
"""


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def fails(connection: Any, sql: str, code: str, words: str = "") -> str:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute(sql)
    assert failure.value.code == code, failure.value.message
    assert words in failure.value.message
    return str(failure.value.message)


# --- tables and values -------------------------------------------------------------------------


def test_the_empty_text_is_null_wherever_it_is_written(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT, B VARCHAR(10), C VARCHAR(10) DEFAULT '')")
    connection.execute("INSERT INTO T (A, B) VALUES (1, ''), (2, 'x')")
    connection.execute("INSERT INTO T SELECT A + 2, CASE A WHEN 1 THEN '' ELSE 'y' END, '' FROM T")
    connection.execute("UPDATE T SET B = REPLACE(B, 'x') WHERE A = 2")
    connection.execute(
        "MERGE INTO T USING (SELECT 9 AS A, '' AS B FROM DUAL) S ON T.A = S.A"
        " WHEN NOT MATCHED THEN INSERT (A, B) VALUES (S.A, S.B)"
    )
    connection.execute("CREATE TABLE U AS SELECT A, B, '' AS C FROM T UNION ALL SELECT 0, '', ''")
    connection.execute("INSERT INTO U VALUES (NULL, NULL, 'a text')")
    connection.execute("DELETE FROM U WHERE C = 'a text'")
    connection.execute("CREATE VIEW V AS SELECT A, TRIM('  ') AS B, SUBSTR(B, 5) AS C FROM T")
    nulls = [(0, None, None), (1, None, None), (2, None, None), (3, None, None), (4, "y", None)]
    assert rows(connection, "SELECT * FROM U ORDER BY A") == [*nulls, (9, None, None)]
    assert rows(connection, "SELECT COUNT(B), COUNT(C), COUNT(*) FROM V") == [(0, 0, 5)]
    connection.execute(ECHO)
    query = "SELECT COUNT(ECHO(B)), COUNT(ECHO(B || '')) FROM U WHERE B IS NULL"
    assert rows(connection, query) == [(0, 0)]
    connection.execute(UP_TO)
    query = "SELECT I FROM (SELECT UP_TO(2)) WHERE T IS NULL"
    assert rows(connection, query) == [(0,)]


def test_values_are_converted_as_their_column_wants(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE T (V VARCHAR(30), N DECIMAL(5, 1), X DOUBLE, B BOOLEAN, D DATE, S TIMESTAMP)"
    )
    connection.execute(
        "INSERT INTO T VALUES (1.0e0, '12.25', '1e2', 'yes', '2024-02-29', '2024-02-29')"
    )
    connection.execute(
        "INSERT INTO T VALUES (TRUE, 12.25, 7, 0, TIMESTAMP '2024-02-29 23:59:59', NULL)"
    )
    connection.execute("INSERT INTO T SELECT 0.10, X / 8, N, B, S, D FROM T WHERE V = '1'")
    connection.execute("INSERT INTO T (V) SELECT D FROM T WHERE V = 'TRUE'")
    connection.execute("UPDATE T SET V = FALSE, N = '-1.05' WHERE V = '2024-02-29'")
    assert rows(connection, "SELECT * FROM T ORDER BY V") == [
        ("0.10", "12.5", 12.3, True, "2024-02-29", "2024-02-29 00:00:00.000000"),
        ("1", "12.3", 100.0, True, "2024-02-29", "2024-02-29 00:00:00.000000"),
        ("FALSE", "-1.1", None, None, None, None),
        ("TRUE", "12.3", 7.0, False, "2024-02-29", None),
    ]


@pytest.mark.parametrize(
    ("value", "column", "code"),
    [
        ("'abcd'", "VARCHAR(3)", "22001"),
        ("1234", "VARCHAR(3)", "22001"),
        ("REPEAT('a', 4)", "VARCHAR(3)", "22001"),
        ("1000", "DECIMAL(3, 0)", "22003"),
        ("'999.95'", "DECIMAL(4, 1)", "22003"),
        ("1e300", "DECIMAL(36, 0)", "22003"),
        ("'abc'", "INT", "22018"),
        ("'1,5'", "DOUBLE", "22018"),
        ("'infinity'", "DOUBLE", "22018"),
        ("'maybe'", "BOOLEAN", "22018"),
        ("2", "BOOLEAN", "22018"),
        ("'2024-13-01'", "DATE", "22007"),
        ("'31.12.2024'", "DATE", "22007"),
        ("'2024-01-01 25:00:00'", "TIMESTAMP", "22007"),
        ("DATE '2024-01-01'", "INT", "0A000"),
        ("1", "DATE", "0A000"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(
    connection: Any, value: str, column: str, code: str
) -> None:
    connection.execute(f"CREATE TABLE T (A {column})")
    fails(connection, f"INSERT INTO T VALUES ({value})", code)
    fails(connection, f"INSERT INTO T SELECT * FROM (SELECT {value} AS X FROM DUAL)", code)
    connection.execute("INSERT INTO T VALUES (NULL)")
    fails(connection, f"UPDATE T SET A = {value}", code)
    fails(connection, f"SELECT CAST({value} AS {column})", code)
    assert rows(connection, "SELECT * FROM T") == [(None,)]


def test_decimals_round_half_away_from_zero(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (2.5), (-2.5), ('1.5'), (0.5e0), (1.4)")
    expected = [(-3,), (1,), (1,), (2,), (3,)]
    assert rows(connection, "SELECT A FROM T ORDER BY A") == expected


def test_arithmetic_is_exact_up_to_36_digits(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A DECIMAL(18, 0), M DECIMAL(18, 2))")
    connection.execute("INSERT INTO T VALUES (999999999999999999, 1234567890123456.78)")
    query = "SELECT A + 1, A * A, A * 1000, M * 2, M + A, 100000 * 100000, 2147483647 + 1 FROM T"
    assert rows(connection, query) == [
        (
            "1000000000000000000",
            "999999999999999998000000000000000001",
            "999999999999999999000",
            "2469135780246913.56",
            "1001234567890123455.78",
            10_000_000_000,
            2_147_483_648,
        )
    ]
    fails(connection, "SELECT A * A * A FROM T", "22003")
    fails(connection, "SELECT 1234567890123456789012345678901234567", "22003")


def test_not_null_and_primary_key_hold(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT, B INT NOT NULL, PRIMARY KEY (A))")
    connection.execute("INSERT INTO T VALUES (1, 1)")
    fails(connection, "INSERT INTO T VALUES (1, 2)", "27001", "primary key")
    fails(connection, "INSERT INTO T VALUES (2, NULL)", "27002", "not null")
    fails(connection, "INSERT INTO T VALUES (NULL, 1)", "27002", "not null")
    fails(connection, "UPDATE T SET B = NULL", "27002")
    connection.execute("UPDATE T SET A = A + 1")
    assert rows(connection, "SELECT * FROM T") == [(2, 1)]


def test_a_key_may_be_deleted_and_inserted_again_in_one_transaction(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT PRIMARY KEY, B INT)")
    connection.execute("INSERT INTO T VALUES (1, 1)")
    connection.set_autocommit(False)
    for number in range(3):
        connection.execute("DELETE FROM T WHERE A = 1")
        connection.execute(f"INSERT INTO T VALUES (1, {number})")
    connection.commit()
    assert rows(connection, "SELECT * FROM T") == [(1, 2)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("INSERT INTO T VALUES (1)", "1 values for 2 columns"),
        ("INSERT INTO T VALUES (1, 2, 3)", "3 values for 2 columns"),
        ("INSERT INTO T SELECT A FROM T", "1 values for 2 columns"),
        ("INSERT INTO T (A, A) VALUES (1, 2)", "named twice"),
        ("INSERT INTO T (A, X) VALUES (1, 2)", "X not found"),
        ("UPDATE T SET X = 1", "X not found"),
        ("UPDATE U SET A = 1", "U not found"),
        ("DELETE FROM NOWHERE.T", "NOWHERE not found"),
        ("CREATE TABLE U (A INT, A INT)", "named twice"),
        ("CREATE TABLE U AS SELECT A, B AS A FROM T", "named twice"),
        ("CREATE TABLE T (A INT)", "already exists"),
        ("CREATE TABLE U ()", "syntax error"),
        ("CREATE TABLE U (A)", "no data type"),
        ("ALTER TABLE T ADD COLUMN A DATE", "named twice"),
        ("ALTER TABLE T DROP COLUMN X", "X not found"),
        ("ALTER TABLE T RENAME COLUMN A TO B", "named twice"),
        ("ALTER TABLE U DROP COLUMN X", "U not found"),
        ("DROP TABLE U", "U not found"),
        ("DROP VIEW T", "T not found"),
        ("TRUNCATE TABLE U", "U not found"),
        ("SELECT A FROM T UNION SELECT A, B FROM T", "number of columns"),
        ("SELECT A FROM T WHERE A IN (SELECT A, B FROM T)", "2 columns in place of one"),
        ("SELECT A FROM T JOIN (SELECT A FROM T) X ON T.A = X.A", "A is ambiguous"),
        ("SELECT A FROM T ORDER BY 3", "not the position of a column"),
    ],
)
def test_wrong_names_and_numbers(connection: Any, sql: str, words: str) -> None:
    connection.execute("CREATE TABLE T (A INT, B INT)")
    fails(connection, sql, "42000", words)


def test_merge_fails_where_a_row_is_met_twice(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT, B INT)")
    connection.execute("INSERT INTO T VALUES (1, 0)")
    merge = (
        "MERGE INTO T USING (VALUES (1, 1), (1, 2)) AS S (A, B) ON T.A = S.A"
        " WHEN MATCHED THEN UPDATE SET B = S.B"
    )
    fails(connection, merge, "42000", "more than once")
    assert rows(connection, "SELECT * FROM T") == [(1, 0)]
    connection.execute(
        "MERGE INTO T USING (VALUES (1, 5), (2, 6)) AS S (A, B) ON T.A = S.A"
        " WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (S.A, S.B)"
    )
    assert rows(connection, "SELECT * FROM T") == [(2, 6)]


def test_a_table_may_be_replaced_by_what_is_selected_from_it(connection: Any) -> None:
    connection.execute("CREATE TABLE T AS SELECT * FROM (VALUES (1, 'a'), (2, '')) AS V (A, B)")
    connection.execute("COMMENT ON TABLE T IS 'old'")
    connection.execute("CREATE OR REPLACE TABLE T AS SELECT A + 1 AS A, B FROM T")
    assert rows(connection, "SELECT A, B FROM T ORDER BY A") == [(2, "a"), (3, None)]
    query = "SELECT TABLE_COMMENT FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA"
    assert rows(connection, query) == [(None,)]


# --- names -------------------------------------------------------------------------------------


def test_names_in_quotes_keep_their_case_and_mean_only_themselves(connection: Any) -> None:
    names = ["id", "Id", 'a;b"c', "ORDER BY", "ä", "Ä", "😀", "x" * 128, "select", "a.b", " "]
    columns = ", ".join(f"{quoted(name)} INT" for name in ["ID", *names])
    for table in ["t", "T", 't"; DROP TABLE "T']:
        connection.execute(f"CREATE TABLE {quoted(table)} ({columns})")
    values = ", ".join(str(number) for number in range(len(names) + 1))
    connection.execute(f'INSERT INTO "t" VALUES ({values})')
    statement = connection.execute('SELECT * FROM "t"')
    assert statement.column_names() == ["ID", *names]
    assert statement.fetchall() == [tuple(range(len(names) + 1))]
    for number, name in enumerate(names, 1):
        assert rows(connection, f'SELECT {quoted(name)} FROM "t"') == [(number,)]
        assert rows(connection, f'SELECT X.{quoted(name)} FROM "t" X') == [(number,)]
    assert rows(connection, "SELECT id FROM t") == []
    assert rows(connection, 'SELECT T.ID FROM "t" AS T') == [(0,)]
    fails(connection, 'SELECT "iD" FROM "t"', "42000", "iD not found")
    tables = "SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA ORDER BY 1"
    assert rows(connection, tables) == [("T",), ("t",), ('t"; DROP TABLE "T',)]
    columns = (
        "SELECT COLUMN_NAME FROM EXA_ALL_COLUMNS WHERE COLUMN_TABLE = 't'"
        " ORDER BY COLUMN_ORDINAL_POSITION"
    )
    assert [row[0] for row in rows(connection, columns)] == ["ID", *names]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (f"CREATE TABLE {'x' * 129} (A INT)", "too long"),
        ('CREATE TABLE "" (A INT)', "empty"),
        ("CREATE TABLE OPTIONS (A INT)", "reserved word"),
        ("SELECT 1 AS TEXT", "reserved word"),
        ("SELECT A AS VALUE FROM (VALUES (1)) AS V (A)", "reserved word"),
        ("OPEN SCHEMA TEXT", "reserved word"),
        ('SELECT 1 AS "\ue041"', "private use"),
    ],
)
def test_what_cannot_be_a_name(connection: Any, sql: str, words: str) -> None:
    fails(connection, sql, "42000", words)


# --- views -------------------------------------------------------------------------------------


def test_views(connection: Any, connect: Any) -> None:
    schema = connection.current_schema()
    connection.execute("CREATE TABLE T (A INT, B VARCHAR(10))")
    connection.execute("INSERT INTO T VALUES (1, 'x'), (2, '')")
    connection.execute("CREATE VIEW V (N, S) AS SELECT A, B FROM T WHERE A < 9 COMMENT IS 'few'")
    connection.execute("CREATE VIEW W AS WITH X AS (SELECT N FROM V) SELECT N, N * 2 AS M FROM X")
    assert rows(connection, "SELECT * FROM V ORDER BY N") == [(1, "x"), (2, None)]
    assert rows(connection, "SELECT V.N, W.M FROM V JOIN W USING (N) ORDER BY V.N") == [
        (1, "2"),
        (2, "4"),
    ]
    # The names in a view mean what they meant where it was made, whatever schema is open.
    with connect() as other:
        assert rows(other, f"SELECT COUNT(*) FROM {schema}.W") == [(2,)]
    connection.execute("CREATE OR REPLACE VIEW V (N, S) AS SELECT A + 10, B FROM T")
    assert rows(connection, "SELECT N FROM W ORDER BY 1") == [("11",), ("12",)]
    text = (
        "SELECT VIEW_NAME, VIEW_COMMENT FROM EXA_ALL_VIEWS WHERE VIEW_SCHEMA = CURRENT_SCHEMA"
        " ORDER BY 1"
    )
    assert rows(connection, text) == [("V", None), ("W", None)]
    fails(connection, "INSERT INTO V VALUES (1, 'x')", "0A000", "a change of the view")
    fails(connection, "CREATE VIEW T AS SELECT 1 AS A", "42000", "already exists")
    fails(connection, "CREATE TABLE V (A INT)", "42000", "already exists")
    fails(connection, "CREATE VIEW X (A, B) AS SELECT 1", "42000")
    fails(connection, "CREATE VIEW X AS SELECT NOSUCH FROM T", "42000", "NOSUCH not found")
    fails(connection, "CREATE OR REPLACE VIEW V AS SELECT * FROM W", "42000", "nested too deeply")
    assert rows(connection, "SELECT COUNT(*) FROM V") == [(2,)]
    connection.execute("DROP TABLE T")
    fails(connection, "SELECT * FROM W", "42000", "T not found")
    connection.execute("DROP VIEW W")
    connection.execute("DROP VIEW IF EXISTS W")


def test_a_view_on_a_script_runs_it_each_time_and_fails_without_it(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (1), (2)")
    for script in (DOUBLED, UP_TO):
        connection.execute(script)
    connection.execute("CREATE VIEW V AS SELECT A, DOUBLED(A) AS D FROM T")
    connection.execute("CREATE VIEW W AS SELECT UP_TO(A) FROM T")
    connection.execute("INSERT INTO T VALUES (3)")
    assert rows(connection, "SELECT D FROM V ORDER BY A") == [(2,), (4,), (6,)]
    assert rows(connection, "SELECT COUNT(*), MAX(I) FROM W") == [(6, 2)]
    connection.execute("DROP SCRIPT DOUBLED")
    fails(connection, "SELECT * FROM V", "42000", "DOUBLED not found")
    assert rows(connection, "SELECT COUNT(*) FROM W") == [(6,)]


# --- schemas, comments, connections, parameters ------------------------------------------------


def test_schemas(connection: Any) -> None:
    schema = connection.current_schema()
    connection.execute("CREATE SCHEMA S_OTHER")
    assert rows(connection, "SELECT CURRENT_SCHEMA") == [("S_OTHER",)]
    connection.execute("CREATE TABLE T (A INT)")
    fails(connection, "CREATE SCHEMA S_OTHER", "42000", "already exists")
    connection.execute("CREATE SCHEMA IF NOT EXISTS S_OTHER")
    fails(connection, "DROP SCHEMA S_OTHER", "42000", "not empty")
    connection.execute("CLOSE SCHEMA")
    assert rows(connection, "SELECT CURRENT_SCHEMA") == [(None,)]
    fails(connection, "SELECT * FROM T", "42000", "no schema is open")
    assert rows(connection, "SELECT COUNT(*) FROM S_OTHER.T") == [(0,)]
    assert rows(connection, "SELECT S_OTHER.T.A FROM S_OTHER.T") == []
    connection.execute("OPEN SCHEMA S_OTHER")
    connection.execute("DROP SCHEMA S_OTHER CASCADE")
    assert rows(connection, "SELECT CURRENT_SCHEMA") == [(None,)]
    fails(connection, "OPEN SCHEMA S_OTHER", "42000", "not found")
    for name in ("SYS", "EXA_STATISTICS"):
        fails(connection, f"CREATE SCHEMA {name}", "42000", "reserved")
    for name in ("MAIN", '"main"', "TEMP", '"_exallm"', "INFORMATION_SCHEMA", "PG_CATALOG"):
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute("CREATE TABLE SCHEMAS (A INT)")
        assert rows(connection, f"SELECT COUNT(*) FROM {name}.SCHEMAS") == [(0,)]
        connection.execute(f"DROP SCHEMA {name} CASCADE")
    connection.execute(f"OPEN SCHEMA {schema}")


def test_two_objects_of_one_schema_have_two_names(connection: Any) -> None:
    connection.execute(ECHO)
    fails(connection, "CREATE TABLE ECHO (A INT)", "42000", "already exists")
    fails(connection, "CREATE VIEW ECHO AS SELECT 1 AS A", "42000", "already exists")
    fails(connection, ECHO.replace("OR REPLACE ", ""), "42000", "already exists")
    connection.execute("CREATE TABLE T (A INT)")
    fails(connection, "CREATE LUA SCRIPT T () AS\nreturn\n", "42000", "already exists")


def test_comments_are_shown_and_go_with_what_they_are_on(connection: Any) -> None:
    schema = connection.current_schema()
    connection.execute("CREATE TABLE T (A INT, B INT)")
    connection.execute(ECHO)
    connection.execute(f"COMMENT ON SCHEMA {schema} IS 'it''s a test'")
    connection.execute("COMMENT ON TABLE T IS 'rows'")
    connection.execute(f"COMMENT ON COLUMN {schema}.T.B IS 'bees'")
    connection.execute("COMMENT ON SCRIPT ECHO IS 'says it again'")
    where = f"SCHEMA = '{schema}'"
    assert rows(connection, f"SELECT TABLE_COMMENT FROM EXA_ALL_TABLES WHERE TABLE_{where}") == [
        ("rows",)
    ]
    query = (
        f"SELECT COLUMN_NAME, COLUMN_COMMENT FROM EXA_ALL_COLUMNS WHERE COLUMN_{where} ORDER BY 1"
    )
    assert rows(connection, query) == [("A", None), ("B", "bees")]
    query = f"SELECT SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS WHERE SCRIPT_{where}"
    assert rows(connection, query) == [("says it again",)]
    query = f"SELECT SCHEMA_COMMENT FROM EXA_SCHEMAS WHERE SCHEMA_NAME = '{schema}'"
    assert rows(connection, query) == [("it's a test",)]
    connection.execute("COMMENT ON TABLE T IS ''")
    assert rows(connection, f"SELECT TABLE_COMMENT FROM EXA_ALL_TABLES WHERE TABLE_{where}") == [
        (None,)
    ]
    fails(connection, "COMMENT ON TABLE X IS 'x'", "42000", "X not found")
    fails(connection, "COMMENT ON COLUMN T.C IS 'x'", "42000", "T.C not found")
    connection.execute("DROP TABLE T")
    connection.execute("CREATE TABLE T (A INT, B INT)")
    query = f"SELECT COUNT(COLUMN_COMMENT) FROM EXA_ALL_COLUMNS WHERE COLUMN_{where}"
    assert rows(connection, query) == [(0,)]


def test_the_password_of_a_connection_is_for_scripts_only(connection: Any) -> None:
    secret = "pass'word\n😀"
    connection.execute(
        "CREATE OR REPLACE CONNECTION MY_CONNECTION TO 'https://h/x' USER 'u' IDENTIFIED BY '"
        + secret.replace("'", "''")
        + "'"
    )
    query = "SELECT * FROM EXA_DBA_CONNECTIONS WHERE CONNECTION_NAME = 'MY_CONNECTION'"
    assert rows(connection, query) == [("MY_CONNECTION", "https://h/x", "u", None, None)]
    assert rows(connection, "SELECT COUNT(*) FROM EXA_ALL_CONNECTIONS") == [(1,)]
    for wrong in ("NOSUCH", "USER"):
        again = f"CREATE CONNECTION MY_CONNECTION TO 'x' {wrong} IDENTIFIED BY 'topsecret'"
        assert "topsecret" not in fails(connection, again, "42000")
    fails(connection, "CREATE CONNECTION MY_CONNECTION TO 'x'", "42000", "already exists")
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT ADDRESS (N VARCHAR(100)) RETURNS VARCHAR(1000) AS\n"
        "def run(ctx):\n"
        "    c = exa.get_connection(ctx.N)\n"
        "    return '|'.join((c.type, c.address, c.user, c.password))\n"
    )
    assert rows(connection, "SELECT ADDRESS('MY_CONNECTION')") == [
        (f"password|https://h/x|u|{secret}",)
    ]
    fails(connection, "SELECT ADDRESS('NOSUCH')", "22002", "NOSUCH")
    connection.execute("DROP CONNECTION MY_CONNECTION")
    fails(connection, "DROP CONNECTION MY_CONNECTION", "42000", "not found")


def test_parameters_of_the_session_and_of_the_system(connection: Any, connect: Any) -> None:
    query = (
        "SELECT SESSION_VALUE, SYSTEM_VALUE FROM EXA_PARAMETERS"
        " WHERE PARAMETER_NAME = 'SCRIPT_LANGUAGES'"
    )
    ((_, before),) = rows(connection, query)
    connection.execute(f"ALTER SESSION SET SCRIPT_LANGUAGES = '{before} MINE=builtin_python3'")
    assert rows(connection, query) == [(f"{before} MINE=builtin_python3", before)]
    connection.execute(ECHO.replace("PYTHON3", "MINE"))
    assert rows(connection, "SELECT ECHO('x')") == [("x",)]
    with connect() as other:
        assert rows(other, query) == [(before, before)]
        other.execute(f"OPEN SCHEMA {connection.current_schema()}")
        fails(other, ECHO.replace("PYTHON3", "MINE"), "42000", "MINE")
        assert rows(
            other, "SELECT SESSION_VALUE FROM SYS.EXA_PARAMETERS WHERE PARAMETER_NAME = 'TIME_ZONE'"
        ) == [("UTC",)]
    connection.execute("ALTER SESSION SET TIME_ZONE = 'UTC'")
    connection.execute("ALTER SESSION SET QUERY_TIMEOUT = 7")
    assert connection.attr["queryTimeout"] == 7
    connection.execute("ALTER SESSION SET QUERY_TIMEOUT = 0")
    fails(connection, "ALTER SESSION SET QUERY_TIMEOUT = 'soon'", "42000", "seconds")
    fails(connection, "ALTER SESSION SET NOSUCH = 'x'", "42000", "NOSUCH")


def test_types_of_columns_are_shown_as_exasol_spells_them(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE T (A VARCHAR(20) UTF8, B INT, C DECIMAL(9, 2), D DOUBLE, E DATE,"
        ' F TIMESTAMP, G BOOLEAN, H BIGINT, I VARCHAR(2000000), "length(x) <= 5" VARCHAR(7))'
    )
    query = (
        "SELECT COLUMN_TYPE FROM EXA_ALL_COLUMNS WHERE COLUMN_SCHEMA = CURRENT_SCHEMA"
        " ORDER BY COLUMN_ORDINAL_POSITION"
    )
    assert [row[0] for row in rows(connection, query)] == [
        *("VARCHAR(20) UTF8", "DECIMAL(18,0)", "DECIMAL(9,2)", "DOUBLE", "DATE", "TIMESTAMP(3)"),
        *("BOOLEAN", "DECIMAL(36,0)", "VARCHAR(2000000) UTF8", "VARCHAR(7) UTF8"),
    ]
