"""Statements: tables, changes, views, schemas, comments, connections, parameters, scripts."""

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
TOTAL = """CREATE OR REPLACE PYTHON3 SET SCRIPT TOTAL (N INT) RETURNS INT AS
def run(ctx):
    total = 0
    while True:
        total += ctx.N or 0
        if not ctx.next():
            return total
"""
JOINED = """CREATE OR REPLACE PYTHON3 SET SCRIPT JOINED (T VARCHAR(100))
EMITS (J VARCHAR(1000), N INT) AS
def run(ctx):
    parts = []
    while True:
        parts.append(ctx.T)
        if not ctx.next():
            break
    ctx.emit(",".join(parts), len(parts))
"""
COUNTED = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT COUNTED (...) RETURNS VARCHAR(1000) AS
def run(ctx):
    return ";".join(repr(ctx[i]) for i in range(exa.meta.input_column_count))
"""
DYNAMIC = """CREATE OR REPLACE PYTHON3 SET SCRIPT DYNAMIC (...) EMITS (...) AS
def run(ctx):
    for number in range(2):
        ctx.emit(*[number] * exa.meta.output_column_count)
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
    assert rows(connection, query) == [("MY_CONNECTION", "https://h/x", "u", None)]
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
        *("VARCHAR(20) UTF8", "DECIMAL(18,0)", "DECIMAL(9,2)", "DOUBLE", "DATE", "TIMESTAMP"),
        *("BOOLEAN", "DECIMAL(36,0)", "VARCHAR(2000000) UTF8", "VARCHAR(7) UTF8"),
    ]


# --- scripts in SQL ----------------------------------------------------------------------------


@pytest.fixture
def scripted(connection: Any) -> Any:
    """A session with some scripts and a table ``T (A, B)``."""
    for script in (ECHO, DOUBLED, UP_TO, TOTAL, JOINED, COUNTED, DYNAMIC):
        connection.execute(script)
    connection.execute("CREATE TABLE T (A INT, B VARCHAR(10))")
    connection.execute("INSERT INTO T VALUES (1, 'x'), (2, 'y'), (3, 'x'), (NULL, '')")
    return connection


SCRIPT_QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT A, DOUBLED(A) FROM T ORDER BY A", [(1, 2), (2, 4), (3, 6), (None, None)]),
    ("SELECT DOUBLED(DOUBLED(A)) + 1 FROM T WHERE A = 2", [("9",)]),
    ("SELECT A FROM T WHERE DOUBLED(A) > 3 ORDER BY DOUBLED(A) DESC", [(3,), (2,)]),
    (
        "SELECT ECHO(B), COUNT(*) FROM T GROUP BY ECHO(B) ORDER BY 1",
        [("x", 2), ("y", 1), (None, 1)],
    ),
    ("SELECT DISTINCT ECHO(B) AS E FROM T ORDER BY E", [("x",), ("y",), (None,)]),
    ("SELECT COUNT(DISTINCT ECHO(B)), MAX(DOUBLED(A)) FROM T", [(2, 6)]),
    ("WITH W AS (SELECT DOUBLED(A) AS D FROM T) SELECT SUM(D) FROM W", [("12",)]),
    ("SELECT X.A FROM T X JOIN T Y ON DOUBLED(X.A) = Y.A", [(1,)]),
    (
        "SELECT CASE WHEN ECHO(B) = 'x' THEN DOUBLED(A) ELSE 0 END AS C FROM T ORDER BY 1",
        [(0,), (0,), (2,), (6,)],
    ),
    (
        "SELECT ECHO(A), ECHO(TRUE), ECHO(DATE '2024-01-31'), ECHO(1.50), ECHO('') FROM T"
        " WHERE A = 1",
        [("1", "TRUE", "2024-01-31", "1.50", None)],
    ),
    (
        "SELECT DOUBLED(A), ECHO(B), TOTAL(A) FROM T GROUP BY DOUBLED(A), ECHO(B) ORDER BY 1",
        [(2, "x", 1), (4, "y", 2), (6, "x", 3), (None, None, 0)],
    ),
    ("SELECT TOTAL(A) FROM T", [(6,)]),
    (
        "SELECT B, TOTAL(A) AS S FROM T GROUP BY B HAVING TOTAL(A) > 1 ORDER BY B",
        [("x", 4), ("y", 2)],
    ),
    (
        "SELECT B, TOTAL(A), COUNT(*) FROM T GROUP BY B ORDER BY TOTAL(A) DESC",
        [("x", 4, 2), ("y", 2, 1), (None, 0, 1)],
    ),
    ("SELECT TOTAL(A) FROM T GROUP BY IPROC()", [(6,)]),
    ("SELECT TOTAL(A) FROM T WHERE A > 5", [(None,)]),
    ("SELECT JOINED(B ORDER BY A DESC) FROM T WHERE A > 0", [("x,y,x", 3)]),
    (
        "SELECT JOINED(B ORDER BY A) FROM T WHERE A > 0 GROUP BY IPROC(), B ORDER BY N",
        [("y", 1), ("x,x", 2)],
    ),
    ("SELECT N FROM (SELECT JOINED(B) FROM T WHERE A > 0 GROUP BY B) ORDER BY N", [(1,), (2,)]),
    ("SELECT JOINED(B) FROM T WHERE A > 5", []),
    (
        "SELECT A, UP_TO(A) FROM T WHERE A IN (2, 3) ORDER BY A, I",
        [(2, 0, None), (2, 1, "row 1"), (3, 0, None), (3, 1, "row 1"), (3, 2, "row 2")],
    ),
    ("SELECT B, UP_TO(A) FROM T WHERE A = 3 ORDER BY I DESC LIMIT 1", [("x", 2, "row 2")]),
    ("SELECT UP_TO(2)", [(0, None), (1, "row 1")]),
    ("WITH W AS (SELECT UP_TO(3)) SELECT MAX(I) FROM W", [(2,)]),
    ("SELECT X.A, Y.I FROM T X JOIN (SELECT UP_TO(3)) Y ON X.A = Y.I ORDER BY 1", [(1, 1), (2, 2)]),
    ("SELECT I FROM (SELECT UP_TO(DOUBLED(1))) UNION ALL SELECT 9 ORDER BY 1", [(0,), (1,), (9,)]),
    ("SELECT DISTINCT I FROM (SELECT UP_TO(A) FROM T WHERE A > 0) ORDER BY 1", [(0,), (1,), (2,)]),
    ("SELECT DYNAMIC(A) EMITS (P INT, Q DOUBLE) FROM T ORDER BY P", [(0, 0.0), (1, 1.0)]),
    ('SELECT DYNAMIC(A) EMITS ("p q" INT) FROM T', [(0,), (1,)]),
    ("SELECT COUNTED(), COUNTED(NULL)", [(None, "None")]),
    (
        "SELECT COUNTED(A, B, 1.5, TRUE, NULL) FROM T WHERE A = 1",
        [("1;'x';Decimal('1.5');True;None",)],
    ),
    ("SELECT COUNTED(A) || COUNTED(A, B) FROM T WHERE A = 1", [("11;'x'",)]),
]


@pytest.mark.parametrize(("query", "expected"), SCRIPT_QUERIES, ids=[q for q, _ in SCRIPT_QUERIES])
def test_scripts_in_a_query(scripted: Any, query: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(scripted, query) == expected


def test_scripts_that_fill_tables(scripted: Any) -> None:
    scripted.execute("CREATE TABLE U AS SELECT A, UP_TO(A) FROM T WHERE A > 0")
    assert rows(scripted, "SELECT COUNT(*), SUM(I) FROM U") == [(6, "4")]
    assert scripted.execute("INSERT INTO U SELECT 9, UP_TO(2)").rowcount() == 2
    scripted.execute("INSERT INTO U (A, T) SELECT DOUBLED(A), ECHO(B) FROM T WHERE A = 3")
    assert rows(scripted, "SELECT A, I, T FROM U WHERE A > 5 ORDER BY A, I") == [
        (6, None, "x"),
        (9, 0, None),
        (9, 1, "row 1"),
    ]
    scripted.execute("UPDATE T SET B = ECHO(UPPER(B)), A = DOUBLED(A) WHERE DOUBLED(A) = 4")
    assert rows(scripted, "SELECT B FROM T WHERE A = 4") == [("Y",)]
    scripted.execute("DELETE FROM T WHERE ECHO(B) = 'x'")
    assert rows(scripted, "SELECT COUNT(*) FROM T") == [(2,)]
    query = (
        "SELECT SCRIPT_NAME, SCRIPT_INPUT_TYPE, SCRIPT_RESULT_TYPE FROM EXA_ALL_SCRIPTS"
        " WHERE SCRIPT_SCHEMA = CURRENT_SCHEMA AND SCRIPT_NAME IN ('UP_TO', 'TOTAL') ORDER BY 1"
    )
    assert rows(scripted, query) == [("TOTAL", "SET", "RETURNS"), ("UP_TO", "SCALAR", "EMITS")]


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("SELECT ECHO()", "42000", "wrong number of arguments"),
        ("SELECT ECHO('a', 'b')", "42000", "wrong number of arguments"),
        ("SELECT NOSUCH(1)", "42000", "NOSUCH not found"),
        ("SELECT NOWHERE.ECHO('a')", "42000", "NOWHERE.ECHO not found"),
        ("SELECT DOUBLED('abc')", "22018", ""),
        ("SELECT DOUBLED(B) FROM T", "22018", ""),
        ("SELECT 1 + UP_TO(2)", "0A000", "UP_TO"),
        ("SELECT UP_TO(2) AS X", "0A000", "alias"),
        ("SELECT UP_TO(A), A FROM T", "0A000", "before other columns"),
        ("SELECT A, JOINED(B) FROM T GROUP BY A", "42000", "stands alone"),
        ("SELECT A FROM T WHERE UP_TO(A) = 1", "0A000", "UP_TO"),
        ("SELECT UP_TO(A) FROM T GROUP BY A", "0A000", "GROUP BY"),
        ("SELECT ECHO(B) EMITS (A INT) FROM T", "42000", "EMITS"),
        ("SELECT ECHO(B ORDER BY A) FROM T", "42000", "SCALAR"),
        ("SELECT TOTAL(A) OVER () FROM T", "0A000", "OVER"),
        ("SELECT DYNAMIC(A) FROM T", "42000", ""),
        ("SELECT UP_TO('x')", "22018", ""),
        (
            "CREATE PYTHON3 SCALAR SCRIPT X (A INT) RETURNS INT AS\ndef run(ctx:\n",
            "22002",
            "SyntaxError",
        ),
        (
            "CREATE NOSUCH SCALAR SCRIPT X (A INT) RETURNS INT AS\ndef run(ctx): pass\n",
            "42000",
            "NOSUCH",
        ),
        ("DROP SCRIPT NOSUCH", "42000", "NOSUCH"),
    ],
)
def test_wrong_use_of_scripts(scripted: Any, sql: str, code: str, words: str) -> None:
    if sql.startswith("CREATE PYTHON3"):
        scripted.execute(sql)
        sql = "SELECT X(1)"
    fails(scripted, sql, code, words)
    assert rows(scripted, "SELECT COUNT(*) FROM T") == [(4,)]


# --- Lua scripts -------------------------------------------------------------------------------


def test_a_lua_script_with_and_without_output(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT, B VARCHAR(100))")
    connection.execute(
        "CREATE LUA SCRIPT ADD_ROW (N, TEXT_) AS\n"
        "output('adding ' .. N)\n"
        "query([[INSERT INTO T VALUES (:n, :t)]], {n = N, t = TEXT_})\n"
        "local found = query([[SELECT COUNT(*) AS C FROM T]])\n"
        "output(found[1].C)\n"
    )
    tricky = 'it\'s; -- "x" 😀'
    call = f"EXECUTE SCRIPT ADD_ROW(1 + 1, '{tricky.replace(chr(39), chr(39) * 2)}')"
    assert connection.execute(call).rowcount() == 0
    assert rows(connection, "EXECUTE SCRIPT ADD_ROW(3, '') WITH OUTPUT") == [("adding 3",), ("2",)]
    assert rows(connection, "SELECT * FROM T ORDER BY A") == [(2, tricky), (3, None)]
    fails(connection, "EXECUTE SCRIPT ADD_ROW(1)", "42000")
    fails(connection, "EXECUTE SCRIPT NOSUCH()", "42000", "NOSUCH not found")


def test_a_lua_script_that_returns_a_table(connection: Any) -> None:
    connection.execute(
        "CREATE LUA SCRIPT NUMBERS (ARRAY_) RETURNS TABLE AS\n"
        "local rows = {}\n"
        "for i = 1, #ARRAY_ do rows[i] = {ARRAY_[i], ARRAY_[i] * 2} end\n"
        "return rows, 'A DECIMAL(9,0), B DECIMAL(9,0)'\n".replace("(ARRAY_)", "(ARRAY ARRAY_)")
    )
    assert rows(connection, "EXECUTE SCRIPT NUMBERS(ARRAY(1, 2))") == [(1, 2), (2, 4)]


def test_errors_in_a_lua_script_undo_what_it_did(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute(
        "CREATE LUA SCRIPT BROKEN () AS\n"
        "query([[INSERT INTO T VALUES (1)]])\n"
        "error('E-1: it broke')\n"
    )
    connection.execute(
        "CREATE LUA SCRIPT WRONG_SQL () AS\n"
        "query([[INSERT INTO T VALUES (1)]])\n"
        "query([[SELECT NOSUCH FROM T]])\n"
    )
    connection.execute(
        "CREATE LUA SCRIPT CAUTIOUS () AS\n"
        "query([[INSERT INTO T VALUES (1)]])\n"
        "local ok, problem = pquery([[SELECT NOSUCH FROM T]])\n"
        "output(tostring(ok) .. ' ' .. problem.error_message)\n"
        "query([[INSERT INTO T VALUES (2)]])\n"
    )
    fails(connection, "EXECUTE SCRIPT BROKEN()", "43000", "E-1: it broke")
    fails(connection, "EXECUTE SCRIPT WRONG_SQL()", "42000", "NOSUCH not found")
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]
    ((text,),) = rows(connection, "EXECUTE SCRIPT CAUTIOUS() WITH OUTPUT")
    assert text.startswith("false")
    assert "NOSUCH not found" in text
    assert rows(connection, "SELECT A FROM T ORDER BY A") == [(1,), (2,)]


def test_a_lua_script_may_commit_piece_by_piece(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute(
        "CREATE LUA SCRIPT PIECES () AS\n"
        "for i = 1, 3 do\n"
        "    query([[INSERT INTO T VALUES (:i)]], {i = i})\n"
        "    if i == 2 then query([[COMMIT]]) end\n"
        "end\n"
        "error('stopped')\n"
    )
    fails(connection, "EXECUTE SCRIPT PIECES()", "43000", "stopped")
    assert rows(connection, "SELECT A FROM T ORDER BY A") == [(1,), (2,)]


def test_a_transaction_that_is_lost_inside_a_script_stays_lost(connection: Any) -> None:
    """DuckDB gives up a transaction over some errors: the script must not go on in half of it."""
    connection.execute("CREATE TABLE T (A INT PRIMARY KEY)")
    connection.execute("INSERT INTO T VALUES (1)")
    connection.execute(
        "CREATE LUA SCRIPT LOSES () AS\n"
        "query([[INSERT INTO T VALUES (5)]])\n"
        "local ok = pquery([[INSERT INTO T VALUES (1)]])\n"
        "local ok2, problem = pquery([[INSERT INTO T VALUES (6)]])\n"
        "output(tostring(ok) .. ' ' .. tostring(ok2) .. ' ' .. problem.error_message)\n"
    )
    statement = "EXECUTE SCRIPT LOSES() WITH OUTPUT"
    ((text,),) = rows(connection, statement)
    assert text.startswith("false false")
    assert "rolled back" in text
    assert rows(connection, "SELECT A FROM T") == [(1,)]
