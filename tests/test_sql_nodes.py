"""The allowlist of syntax: what passes, with its rows, and what is refused, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyexasol
import pytest

from exallm.local.sql.dialect import parse_statement
from exallm.local.sql.nodes import NODES

SETUP = [
    "CREATE SCHEMA NODES",
    "CREATE TABLE T (A INT, B VARCHAR(20), C DATE)",
    "INSERT INTO T VALUES (1, 'x', '2024-01-31'), (2, '', NULL), (3, 'Z', '2024-02-29')",
    "CREATE TABLE U (A INT, D DECIMAL(9, 2))",
    "INSERT INTO U VALUES (1, 1.50), (1, 2.50), (4, NULL)",
    "CREATE PYTHON3 SCALAR SCRIPT ECHO (A VARCHAR(20)) RETURNS VARCHAR(20) AS\n"
    "def run(ctx):\n    return ctx.A\n",
]

QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT A, B AS BB, C WHEN_ FROM T WHERE A = 1", [(1, "x", "2024-01-31")]),
    ("SELECT * FROM U WHERE D IS NULL", [(4, None)]),
    ("SELECT T.*, T.A AS AA FROM T WHERE B = 'Z'", [(3, "Z", "2024-02-29", 3)]),
    ("SELECT NODES.T.A FROM NODES.T ORDER BY 1", [(1,), (2,), (3,)]),
    ("SELECT X.A FROM T AS X (A, Q, R) WHERE X.Q = 'x'", [(1,)]),
    ("SELECT 1, -1, 1.5, 'it''s', TRUE, NULL", [(1, -1, "1.5", "it's", True, None)]),
    ("SELECT 0.0000001, 1e-7 * 0.00000000", [("0.0000001", 0.0)]),
    ("SELECT DATE '2024-01-31', CAST('7' AS INT)", [("2024-01-31", 7)]),
    # sorting: NULL is the largest value
    ("SELECT B FROM T ORDER BY B", [("Z",), ("x",), (None,)]),
    ("SELECT B FROM T ORDER BY B DESC", [(None,), ("x",), ("Z",)]),
    ("SELECT B FROM T ORDER BY B NULLS FIRST", [(None,), ("Z",), ("x",)]),
    ("SELECT B FROM T ORDER BY B DESC NULLS LAST", [("x",), ("Z",), (None,)]),
    ("SELECT A FROM T ORDER BY -A LIMIT 2", [(3,), (2,)]),
    ("SELECT A FROM T ORDER BY A LIMIT 2 OFFSET 1", [(2,), (3,)]),
    ("SELECT A FROM T ORDER BY A LIMIT 1, 2", [(2,), (3,)]),
    ("SELECT -A AS A FROM T ORDER BY A", [(-3,), (-2,), (-1,)]),
    ("SELECT X FROM (SELECT A AS X FROM T ORDER BY A DESC LIMIT 2) ORDER BY X", [(2,), (3,)]),
    (
        "SELECT DISTINCT A + 1 AS N, B FROM T ORDER BY A + 1, B",
        [("2", "x"), ("3", None), ("4", "Z")],
    ),
    # groups
    ("SELECT DISTINCT A FROM U ORDER BY A", [(1,), (4,)]),
    ("SELECT A, COUNT(*), COUNT(D) FROM U GROUP BY A ORDER BY A", [(1, 2, 2), (4, 1, 0)]),
    ("SELECT A + 1, SUM(D) FROM U GROUP BY A + 1 ORDER BY 1", [("2", "4.00"), ("5", None)]),
    ("SELECT A, MAX(D) FROM U GROUP BY 1 HAVING COUNT(*) > 1", [(1, "2.50")]),
    ("SELECT COUNT(B), COUNT(*) FROM T", [(2, 3)]),
    (
        "SELECT A, D FROM U QUALIFY ROW_NUMBER() OVER (PARTITION BY A ORDER BY D DESC) = 1"
        " ORDER BY A",
        [(1, "2.50"), (4, None)],
    ),
    (
        "SELECT D, SUM(D) OVER (ORDER BY D ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM U"
        " WHERE D > 0 ORDER BY 1",
        [("1.50", "1.50"), ("2.50", "4.00")],
    ),
    ("SELECT GROUP_CONCAT(DISTINCT B ORDER BY B DESC SEPARATOR '-') FROM T", [("x-Z",)]),
    ("SELECT NODES.ECHO(B) FROM T ORDER BY A", [("x",), (None,), ("Z",)]),
    (
        "SELECT A, SUM(D) FROM U WHERE D > 0 GROUP BY ROLLUP (A) ORDER BY A",
        [(1, "4.00"), (None, "4.00")],
    ),
    ("SELECT COUNT(*) FROM U GROUP BY CUBE (A, D) ORDER BY 1 DESC LIMIT 1", [(3,)]),
    ("SELECT A FROM U GROUP BY GROUPING SETS ((A), ()) ORDER BY A", [(1,), (4,), (None,)]),
    ("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY D) FROM U", [(2.0,)]),
    (
        "SELECT LAST_VALUE(B) IGNORE NULLS OVER (ORDER BY A),"
        " LAST_VALUE(B) RESPECT NULLS OVER (ORDER BY A) AS R FROM T ORDER BY A",
        [("x", "x"), ("x", None), ("Z", "Z")],
    ),
    # joins
    ("SELECT COUNT(*) FROM T NATURAL JOIN U", [(2,)]),
    ("SELECT COUNT(*) FROM T LEFT JOIN (U JOIN T X ON X.A = U.A) ON T.A = U.A", [(4,)]),
    (
        "SELECT T.A, U.D FROM T INNER JOIN U ON T.A = U.A ORDER BY D",
        [(1, "1.50"), (1, "2.50")],
    ),
    (
        "SELECT T.A, U.A UA FROM T LEFT JOIN U ON T.A = U.A WHERE T.A > 1 ORDER BY 1",
        [(2, None), (3, None)],
    ),
    ("SELECT T.A, U.A UA FROM T RIGHT OUTER JOIN U ON T.A = U.A WHERE U.A = 4", [(None, 4)]),
    ("SELECT COUNT(*) FROM T FULL OUTER JOIN U ON T.A = U.A", [(5,)]),
    ("SELECT COUNT(*) FROM T CROSS JOIN U", [(9,)]),
    ("SELECT COUNT(*) FROM T, U X WHERE T.A = X.A", [(2,)]),
    ("SELECT A, B, D FROM T JOIN U USING (A) ORDER BY D", [(1, "x", "1.50"), (1, "x", "2.50")]),
    ("SELECT X.A, Y.A YA FROM T X JOIN T Y ON X.A = Y.A + 1 ORDER BY 1", [(2, 1), (3, 2)]),
    # subqueries and sets
    ("SELECT A FROM T WHERE A IN (SELECT A FROM U)", [(1,)]),
    ("SELECT A FROM T WHERE A NOT IN (1, 3)", [(2,)]),
    ("SELECT A FROM T WHERE EXISTS (SELECT 1 FROM U WHERE U.A = T.A)", [(1,)]),
    (
        "SELECT A, (SELECT MAX(D) FROM U WHERE U.A = T.A) M FROM T ORDER BY A",
        [(1, "2.50"), (2, None), (3, None)],
    ),
    (
        "WITH W AS (SELECT A FROM T), V (Q) AS (SELECT A + 1 FROM W) SELECT Q FROM V ORDER BY Q",
        [("2",), ("3",), ("4",)],
    ),
    ("SELECT * FROM (VALUES (1, 'a'), (2, '')) AS V (N, S) WHERE S IS NULL", [(2, None)]),
    ("SELECT A FROM T UNION SELECT A FROM U ORDER BY A", [(1,), (2,), (3,), (4,)]),
    (
        "SELECT '' AS X UNION ALL SELECT NULL UNION ALL SELECT 'a' ORDER BY X",
        [("a",), (None,), (None,)],
    ),
    ("SELECT A FROM T EXCEPT SELECT A FROM U ORDER BY 1", [(2,), (3,)]),
    ("SELECT A FROM T MINUS SELECT A FROM U ORDER BY 1 DESC", [(3,), (2,)]),
    ("(SELECT A FROM T) INTERSECT (SELECT A FROM U)", [(1,)]),
    # operators
    ("SELECT 7 + 2 * 3 - 1, (7 + 2) * 3", [(12, 27)]),
    ("SELECT 7 / 2, 1 / 4", [(3.5, 0.25)]),
    ("SELECT 'a' || NULL || 'b' || '' || 1 || TRUE || 0.5e0", [("ab1TRUE0.5",)]),
    ("SELECT '' || NULL", [(None,)]),
    ("SELECT A FROM T WHERE A >= 2 AND A <= 3 AND A <> 2 AND A != 1 ORDER BY A", [(3,)]),
    ("SELECT A FROM T WHERE A < 2 OR A > 2 ORDER BY A", [(1,), (3,)]),
    ("SELECT A FROM T WHERE A BETWEEN 2 AND 3 AND NOT A = 2", [(3,)]),
    ("SELECT A FROM T WHERE A NOT BETWEEN 2 AND 3", [(1,)]),
    ("SELECT A FROM T WHERE B = ''", []),
    ("SELECT A FROM T WHERE B <> ''", []),
    ("SELECT A FROM T WHERE B IS NULL", [(2,)]),
    ("SELECT A FROM T WHERE B IS NOT NULL ORDER BY A", [(1,), (3,)]),
    ("SELECT A FROM T WHERE C = '2024-02-29'", [(3,)]),
    ("SELECT A FROM T WHERE C > DATE '2024-01-31' + 28", [(3,)]),
    ("SELECT A FROM T WHERE A = '2'", [(2,)]),
    (
        "SELECT 'abc' LIKE 'a%', 'abc' LIKE 'A%', 'abc' NOT LIKE '_b_', 'a' LIKE ''",
        [(True, False, False, None)],
    ),
    (
        r"SELECT 'a%c' LIKE 'a\%c', 'abc' LIKE 'a\%c', 'a%c' LIKE 'a#%c' ESCAPE '#'",
        [(True, False, True)],
    ),
    ("SELECT 'abc' REGEXP_LIKE '[a-c]+'", [(True,)]),
    ("SELECT NULL = NULL, NOT NULL, NULL OR TRUE, NULL AND FALSE", [(None, None, True, False)]),
    (
        "SELECT CASE A WHEN 1 THEN 'one' WHEN 2 THEN '' ELSE 'many' END FROM T ORDER BY A",
        [("one",), (None,), ("many",)],
    ),
    ("SELECT CASE WHEN A > 2 THEN 'x' END FROM T ORDER BY A", [(None,), (None,), ("x",)]),
    (
        "SELECT EXTRACT(YEAR FROM C), POSITION('b' IN 'abc'), SUBSTRING('abc' FROM 2 FOR 1)"
        " FROM T WHERE A = 1",
        [(2024, 2, "b")],
    ),
    (
        "SELECT COALESCE(B, '-'), NVL(C, '2000-01-01') FROM T ORDER BY A",
        [("x", "2024-01-31"), ("-", "2000-01-01"), ("Z", "2024-02-29")],
    ),
    ("SELECT 'a' < 'B', 'ä' > 'z', 'a ' = 'a'", [(False, True, False)]),
]

# Statements with the rows that they say they changed, and a query with its rows afterwards.
STATEMENTS: list[tuple[str, int, str, list[tuple[Any, ...]]]] = [
    (
        "CREATE TABLE S (A INT NOT NULL, B VARCHAR(9) DEFAULT 'd', C INT NULL,"
        " CONSTRAINT PK PRIMARY KEY (A))",
        0,
        "SELECT COUNT(*) FROM S",
        [(0,)],
    ),
    (
        "INSERT INTO S (A) VALUES (1), (2)",
        2,
        "SELECT * FROM S ORDER BY A",
        [(1, "d", None), (2, "d", None)],
    ),
    (
        "UPDATE S SET B = '', C = A + 1 WHERE A = 2",
        1,
        "SELECT * FROM S WHERE A = 2",
        [(2, None, 3)],
    ),
    (
        "MERGE INTO S USING (SELECT A, B FROM T) X ON S.A = X.A"
        " WHEN MATCHED THEN UPDATE SET B = X.B WHERE X.A = 1"
        " WHEN NOT MATCHED THEN INSERT (A, B) VALUES (X.A, X.B)",
        2,
        "SELECT A, B FROM S ORDER BY A",
        [(1, "x"), (2, None), (3, "Z")],
    ),
    ("DELETE FROM S WHERE A > 2", 1, "SELECT A FROM S ORDER BY A", [(1,), (2,)]),
    ("ALTER TABLE S ADD COLUMN E DATE", 0, "SELECT A, E FROM S WHERE A = 1", [(1, None)]),
    ("ALTER TABLE S RENAME COLUMN E TO F", 0, "SELECT F FROM S WHERE A = 1", [(None,)]),
    ("ALTER TABLE S DROP COLUMN F", 0, "SELECT * FROM S WHERE A = 1", [(1, "x", None)]),
    ("CREATE TABLE IF NOT EXISTS S (Z INT)", 0, "SELECT A FROM S WHERE A = 1", [(1,)]),
    (
        "CREATE OR REPLACE TABLE S AS SELECT A, A || '' AS B FROM T",
        3,
        "SELECT * FROM S ORDER BY A",
        [(1, "1"), (2, "2"), (3, "3")],
    ),
    ("TRUNCATE TABLE S", 3, "SELECT COUNT(*) FROM S", [(0,)]),
    ("CREATE OR REPLACE TABLE S (A INT PRIMARY KEY)", 0, "SELECT * FROM S", []),
]

# What is refused, and the name that must stand in the error.
REFUSED: list[tuple[str, str]] = [
    ("SELECT A FROM T START WITH A = 1 CONNECT BY PRIOR A = A", "CONNECT BY"),
    ("SELECT A FROM T GROUP BY ALL", "GROUP BY ALL"),
    ("SELECT A FROM T PREFERRING LOW A", "PREFERRING"),
    ("IMPORT INTO T FROM LOCAL CSV FILE 'a'", "IMPORT FROM LOCAL"),
    ("EXPORT T INTO JDBC AT C TABLE U", "EXPORT INTO JDBC"),
    ("SELECT A FROM T WHERE A = ?", "parameter marker"),
    ("SELECT :A", "parameter (:name)"),
    ("SELECT A FROM T WHERE ROWNUM < 2", "ROWNUM"),
    ("SELECT ROWID FROM T", "ROWID"),
    ("SELECT T.ROWID FROM T", "ROWID"),
    ("SELECT LEVEL FROM T", "LEVEL"),
    ("SELECT TOP 5 A FROM T", "TOP"),
    ("SELECT A FROM T FOR UPDATE", "FOR UPDATE"),
    ("SELECT A FROM T FETCH FIRST 5 ROWS ONLY", "FETCH FIRST"),
    ("SELECT A FROM T LIMIT 10 PERCENT", "LIMIT ... PERCENT"),
    ("SELECT A FROM T LIMIT (SELECT 1)", "LIMIT"),
    ("SELECT DISTINCT ON (A) A FROM T", "DISTINCT ON"),
    ("SELECT * INTO X FROM T", "INTO"),
    ("SELECT * FROM T PIVOT (SUM(A) FOR B IN ('x'))", "PIVOT"),
    ("SELECT * FROM T UNPIVOT (X FOR Y IN (A))", "UNPIVOT"),
    ("SELECT * FROM T, LATERAL (SELECT T.A)", "LATERAL"),
    ("SELECT * FROM T TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
    ("SELECT * FROM T USING SAMPLE 5", "USING SAMPLE"),
    ("SELECT * FROM T ASOF JOIN U ON T.A >= U.A", "ASOF JOIN"),
    ("SELECT * FROM T POSITIONAL JOIN U", "POSITIONAL JOIN"),
    ("SELECT * FROM T SEMI JOIN U ON T.A = U.A", "SEMI JOIN"),
    ("SELECT * FROM T ANTI JOIN U ON T.A = U.A", "ANTI JOIN"),
    ("SELECT * FROM T, U WHERE T.A = U.A(+)", "outer join operator (+)"),
    ("SELECT * FROM T JOIN U", "JOIN has ON or USING"),
    ("SELECT A FROM T EXCEPT ALL SELECT A FROM U", "EXCEPT ALL"),
    ("SELECT A FROM T INTERSECT ALL SELECT A FROM U", "INTERSECT ALL"),
    ("SELECT A FROM T UNION BY NAME SELECT A FROM U", "UNION BY NAME"),
    ("WITH RECURSIVE R AS (SELECT 1) SELECT * FROM R", "WITH RECURSIVE"),
    ("WITH R AS MATERIALIZED (SELECT 1 AS A) SELECT * FROM R", "MATERIALIZED"),
    # table functions, files and hidden tables
    ("SELECT * FROM read_csv('x')", "READ_CSV"),
    ("SELECT * FROM range(5)", "RANGE"),
    ("SELECT * FROM generate_series(1, 5)", "GENERATE_SERIES"),
    ("SELECT * FROM duckdb_tables()", "DUCKDB_TABLES"),
    ("SELECT * FROM glob('*')", "GLOB"),
    ("SELECT * FROM 'file.csv'", "file.csv"),
    ('SELECT * FROM "file.csv"', "file.csv"),
    ("SELECT * FROM _exallm.schemas", "_EXALLM"),
    ('SELECT * FROM "_exallm"."schemas"', "_exallm"),
    ("SELECT * FROM information_schema.tables", "INFORMATION_SCHEMA"),
    ("SELECT * FROM pg_catalog.pg_tables", "PG_CATALOG"),
    ("SELECT * FROM sqlite_master", "SQLITE_MASTER"),
    ("SELECT * FROM duckdb_tables", "DUCKDB_TABLES"),
    ("SELECT * FROM exallm_session_parameters", "EXALLM_SESSION_PARAMETERS"),
    ("SELECT * FROM a.b.c", "more than one qualifier"),
    ("INSERT INTO _exallm.parameters VALUES ('a', 'b')", "_EXALLM"),
    # functions of DuckDB
    ("SELECT getenv('HOME')", "GETENV"),
    ("SELECT list(A) FROM T", "LIST"),
    ("SELECT unnest(A) FROM T", "UNNEST"),
    ("SELECT regexp_matches(B, 'x') FROM T", "REGEXP_MATCHES"),
    ("SELECT read_text('x')", "READ_TEXT"),
    ("SELECT exallm_text(A) FROM T", "EXALLM_TEXT"),
    ("SELECT exallm_udf_varchar(1)", "EXALLM_UDF_VARCHAR"),
    ("SELECT TRY_CAST('a' AS INT)", "TRY_CAST"),
    ("SELECT COLUMNS(*) FROM T", "COLUMNS"),
    # syntax of DuckDB and others
    ("SELECT {'a': 1}", "{"),
    ("SELECT LEFT(B, X -> X) FROM T", "->"),
    ("SELECT * EXCLUDE (A) FROM T", "EXCLUDE"),
    ("SELECT * REPLACE (1 AS A) FROM T", "REPLACE"),
    ("SELECT '{}'::JSON", "::"),
    ("SELECT A::INT FROM T", "::"),
    ("SELECT B ILIKE 'x' FROM T", "ILIKE"),
    ("SELECT B SIMILAR TO 'x' FROM T", "SIMILAR TO"),
    ("SELECT B GLOB 'x' FROM T", "GLOB"),
    ("SELECT A IS DISTINCT FROM 1 FROM T", "IS DISTINCT FROM"),
    ("SELECT A IS NOT DISTINCT FROM 1 FROM T", "IS NOT DISTINCT FROM"),
    ("SELECT A IS TRUE FROM T", "IS TRUE"),
    ("SELECT A ISNULL FROM T", "ISNULL"),
    ("SELECT A BETWEEN SYMMETRIC 2 AND 1 FROM T", "BETWEEN SYMMETRIC"),
    ("SELECT 2 ** 3", "**"),
    ("SELECT 7 // 2", "//"),
    ("SELECT 7 % 2", "%"),
    ("SELECT 1 & 1", "&"),
    ("SELECT 1 ^ 1", "^"),
    ("SELECT 1 << 1", "<<"),
    ("SELECT ~1", "~"),
    ("SELECT A == 1 FROM T", "=="),
    ("SELECT !TRUE", "!"),
    ("SELECT $1", "$1"),
    ("SELECT N'a'", "N'"),
    ("SELECT E'a'", "string 'a'"),
    ("SELECT 0x1F", "no number"),
    ("SELECT 1_000", "no number"),
    ("SELECT 'a' 'b'", "string 'b'"),
    ("SELECT 1 AS 'x'", "string 'x'"),
    ("FROM T", "FROM"),
    ("SELECT FROM T", "select list is empty"),
    ("SELECT A, FROM T", "comma"),
    ("SELECT (1, 2)", "list in parentheses"),
    ("SELECT A FROM T WHERE A = ANY (SELECT A FROM U)", "ANY"),
    ("SELECT A FROM T WHERE A > ALL (SELECT A FROM U)", "ALL"),
    ("SELECT COUNT(*) FILTER (WHERE A > 1) FROM T", "FILTER"),
    ("SELECT COUNT(DISTINCT A, B) FROM T", "several values"),
    ("SELECT FIRST_VALUE(A IGNORE NULLS) OVER (ORDER BY A) FROM T", "IGNORE NULLS"),
    ("SELECT SUM(A) OVER W FROM T WINDOW W AS (ORDER BY A)", "WINDOW"),
    ("SELECT UPPER(B) OVER () FROM T", "UPPER with OVER"),
    ("SELECT INTERVAL '1' DAY", "INTERVAL"),
    ("SELECT CURRENT_TIMESTAMP AT TIME ZONE 'UTC'", "AT TIME ZONE"),
    ("SELECT CASE WHEN TRUE THEN 1 ENDIF", "ENDIF"),
    ("SELECT GROUP_CONCAT(DISTINCT A ORDER BY A) FROM T", "ORDER BY in LISTAGG(DISTINCT ...)"),
    ("SELECT LISTAGG(B) FROM T", "LISTAGG without a separator"),
    ("SELECT 'a' || 1 + 2", "|| beside + or -"),
    ("SELECT 1 + 2 || 'a'", "|| beside + or -"),
    ("SELECT DISTINCT A FROM T ORDER BY B", "ORDER BY with DISTINCT"),
    # conversions that nobody asked for
    ("SELECT A FROM T WHERE B = 1", "DECIMAL and VARCHAR in a comparison"),
    ("SELECT A FROM T WHERE A = B", "DECIMAL and VARCHAR in a comparison"),
    ("SELECT A FROM T WHERE C = CURRENT_USER", "DATE and VARCHAR in a comparison"),
    ("SELECT A FROM T WHERE A", "DECIMAL as a condition"),
    ("SELECT A FROM T WHERE A = TRUE", "BOOLEAN and DECIMAL"),
    ("SELECT COALESCE(A, B) FROM T", "DECIMAL and VARCHAR in COALESCE"),
    ("SELECT CASE WHEN A = 1 THEN A ELSE B END FROM T", "DECIMAL and VARCHAR in CASE"),
    ("SELECT A FROM T UNION SELECT B FROM T", "one column of UNION"),
    ("SELECT B + 1 FROM T", "VARCHAR and DECIMAL with +"),
    ("SELECT CAST(A AS DATE) FROM T", "CAST from DECIMAL to DATE"),
    # statements
    ("ATTACH 'x.db'", "ATTACH"),
    ("COPY T TO 'x.csv'", "COPY"),
    ("PRAGMA database_list", "PRAGMA"),
    ("SET threads = 1", "SET"),
    ("SHOW TABLES", "SHOW"),
    ("EXPLAIN SELECT 1", "EXPLAIN"),
    ("CALL pragma_version()", "CALL"),
    ("INSTALL httpfs", "INSTALL"),
    ("LOAD httpfs", "LOAD"),
    ("VACUUM", "VACUUM"),
    ("CHECKPOINT", "CHECKPOINT"),
    ("USE main", "USE"),
    ("BEGIN", "BEGIN"),
    ("START TRANSACTION", "START"),
    ("VALUES (1)", "VALUES"),
    ("TABLE T", "TABLE"),
    ("GRANT IMPERSONATION ON SYS TO PUBLIC", "GRANT IMPERSONATION"),
    ("GRANT KILL ANY SESSION TO PUBLIC", "GRANT KILL ANY SESSION"),
    ("GRANT CONNECTION C TO PUBLIC", "GRANT CONNECTION C"),
    ("GRANT ACCESS ON CONNECTION C TO PUBLIC", "GRANT ACCESS"),
    ("GRANT PRIORITY GROUP HIGH TO PUBLIC", "GRANT PRIORITY GROUP"),
    ("GRANT REFERENCES ON T TO PUBLIC", "GRANT REFERENCES"),
    ("GRANT SELECT ON ALL TO PUBLIC", "GRANT ... ON ALL"),
    ("GRANT EXECUTE ON FUNCTION T TO PUBLIC", "GRANT ... ON FUNCTION"),
    ("GRANT IMPORT TO PUBLIC", "GRANT IMPORT"),
    ("REVOKE ALL ROLES FROM PUBLIC", "REVOKE ALL ROLES"),
    ("CREATE USER X IDENTIFIED AT LDAP AS 'cn=x'", "IDENTIFIED AT LDAP"),
    ("CREATE USER X IDENTIFIED BY KERBEROS PRINCIPAL 'x'", "IDENTIFIED BY KERBEROS"),
    ("CREATE USER X IDENTIFIED BY OPENID SUBJECT 'x'", "IDENTIFIED BY OPENID"),
    ('ALTER USER SYS IDENTIFIED BY "secret"', "ALTER USER SYS"),
    ("ALTER USER SYS PASSWORD EXPIRE", "ALTER USER ... PASSWORD EXPIRE"),
    ("ALTER ROLE DBA SET CONSUMER_GROUP = X", "ALTER ROLE"),
    ("ALTER SCHEMA NODES SET RAW_SIZE_LIMIT = 1", "ALTER SCHEMA ... SET"),
    ("CREATE OR REPLACE USER X", "CREATE"),
    ("IMPERSONATE SYS", "IMPERSONATE"),
    ("CREATE FUNCTION F (X INT) RETURN INT IS BEGIN RETURN 1; END", "CREATE FUNCTION"),
    ("CREATE MACRO M(A) AS A + 1", "CREATE MACRO"),
    ("CREATE INDEX I ON T (A)", "CREATE INDEX"),
    ("CREATE VIRTUAL SCHEMA V USING A.B", "CREATE VIRTUAL"),
    ("CREATE SEQUENCE Q", "CREATE SEQUENCE"),
    ("CREATE TEMP TABLE X (A INT)", "CREATE TEMP"),
    ("CREATE ADAPTER SCRIPT X AS Y", "CREATE ADAPTER SCRIPT"),
    ("CREATE TABLE X (A INT UNIQUE)", "UNIQUE"),
    ("CREATE TABLE X (A INT CHECK (A > 1))", "CHECK"),
    ("CREATE TABLE X (A INT DEFAULT (SELECT 1))", "DEFAULT"),
    ("CREATE TABLE X (A VARCHAR(10) DEFAULT CURRENT_SCHEMA)", "DEFAULT"),
    ("CREATE TABLE X (A GEOMETRY)", "GEOMETRY"),
    ("CREATE TABLE X (A TEXT)", "TEXT"),
    ("CREATE TABLE X (A STRING)", "STRING"),
    ("CREATE TABLE X (A JSON)", "JSON"),
    ("CREATE TABLE X (A INT8)", "INT8"),
    ("CREATE TABLE X (A DATETIME)", "DATETIME"),
    ("CREATE TABLE X (A VARCHAR)", "VARCHAR"),
    ("CREATE TABLE X (A DECIMAL(37, 0))", "DECIMAL(37"),
    ("CREATE TABLE X (A VARCHAR(2000001))", "VARCHAR(2000001)"),
    ("INSERT INTO T DEFAULT VALUES", "DEFAULT VALUES"),
    ("INSERT INTO T SET A = 1", "INSERT ... SET"),
    ("INSERT OR REPLACE INTO T VALUES (1, 'x', NULL)", "INSERT OR"),
    ("INSERT INTO T VALUES (1, 'x', NULL) ON CONFLICT DO NOTHING", "ON CONFLICT"),
    ("INSERT INTO T VALUES (1, 'x', NULL) RETURNING A", "RETURNING"),
    ("UPDATE T SET A = U.A FROM U", "FROM"),
    ("DELETE FROM T USING U WHERE T.A = U.A", "USING"),
    ("MERGE INTO T USING U ON T.A = U.A WHEN MATCHED THEN DO NOTHING", "MERGE"),
    ("MERGE INTO T USING U ON T.A = U.A WHEN NOT MATCHED BY SOURCE THEN DELETE", "BY SOURCE"),
    ("SELECT 1; SELECT 2", "expected one statement"),
    ("SELECT /* ; */ 1; DROP TABLE T -- x", "expected one statement"),
    ("COMMIT; DROP TABLE T", "end of the statement"),
    ("OPEN SCHEMA NODES; DROP TABLE T", "end of the statement"),
    ("CREATE VIEW V AS SELECT 1 AS A; DROP TABLE T", "expected one statement"),
    ("LOCK TABLE T", "LOCK"),
    ("KILL SESSION 1", "KILL"),
    ("ALTER SESSION SET NLS_DATE_FORMAT = 'DD.MM.YYYY'", "NLS_DATE_FORMAT"),
    ("ALTER SESSION SET TIME_ZONE = 'EUROPE/BERLIN'", "TIME_ZONE"),
]

# Names that mean nothing in Exasol, and something to DuckDB.
UNKNOWN = [
    "SELECT T FROM T",
    "SELECT COUNT(T) FROM T",
    'SELECT "CURRENT_ROLE"',
    'SELECT "CURRENT_DATE"',
    "SELECT A AS X FROM T WHERE X = 1",
    "SELECT A AS X, X + 1 FROM T",
    "SELECT A AS X, COUNT(*) FROM T GROUP BY X",
    "SELECT A AS X, COUNT(*) FROM T GROUP BY A HAVING X > 1",
    "SELECT A FROM T, (SELECT T.A AS Z) AS Y",
    'SELECT "a" FROM T',
    'SELECT * FROM "t"',
    "SELECT U.A FROM T",
    "SELECT * FROM T WHERE EXISTS (SELECT NOSUCH FROM U)",
    "UPDATE T SET NOSUCH = 1",
    "INSERT INTO T (NOSUCH) VALUES (1)",
    "DELETE FROM T WHERE U.A = 1",
]


@pytest.fixture(scope="module")
def nodes(connect: Any) -> Iterator[Any]:
    with connect() as connection:
        for statement in SETUP:
            connection.execute(statement)
        yield connection
        connection.execute("DROP SCHEMA NODES CASCADE")


def test_every_node_type_has_a_passing_statement() -> None:
    seen = set()
    passing = [*(query for query, _ in QUERIES), *(statement[0] for statement in STATEMENTS)]
    # Passes when it is prepared, as test_engine_prepared.py does it.
    for sql in [*passing, "SELECT A FROM T WHERE A = ?"]:
        seen |= {type(node) for node in parse_statement(sql).walk()}
    assert set(NODES) - seen == set()


@pytest.mark.parametrize(("query", "rows"), QUERIES, ids=[query for query, _ in QUERIES])
def test_query(nodes: Any, query: str, rows: list[tuple[Any, ...]]) -> None:
    assert nodes.execute(query).fetchall() == rows


def test_statements(nodes: Any) -> None:
    for statement, count, query, rows in STATEMENTS:
        assert nodes.execute(statement).rowcount() == count, statement
        assert nodes.execute(query).fetchall() == rows, statement


@pytest.mark.parametrize(("sql", "name"), REFUSED, ids=[sql for sql, _ in REFUSED])
def test_refused_by_name(nodes: Any, sql: str, name: str) -> None:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        nodes.execute(sql)
    assert name in failure.value.message
    assert failure.value.code in ("0A000", "42000")
    assert "secret" not in failure.value.message
    for word in ("DuckDB", "LINE 1", "Binder", "Parser Error"):
        assert word not in failure.value.message


@pytest.mark.parametrize("sql", UNKNOWN)
def test_a_name_that_only_duckdb_would_know_is_not_found(nodes: Any, sql: str) -> None:
    with pytest.raises(pyexasol.ExaQueryError, match="not found") as failure:
        nodes.execute(sql)
    assert failure.value.code == "42000"


def test_nothing_refused_has_changed_anything(nodes: Any) -> None:
    assert nodes.execute("SELECT A FROM T ORDER BY A").fetchall() == [(1,), (2,), (3,)]
    names = "SELECT OBJECT_NAME FROM EXA_ALL_OBJECTS WHERE ROOT_NAME = 'NODES' ORDER BY 1"
    assert nodes.execute(names).fetchall() == [("ECHO",), ("S",), ("T",), ("U",)]
