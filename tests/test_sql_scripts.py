"""Scripts through SQL: Python scripts inside queries, Lua scripts with EXECUTE SCRIPT."""

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


# --- in a query ---------------------------------------------------------------------------------


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


def test_a_script_whose_transaction_was_lost_goes_on_after_a_rollback(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT PRIMARY KEY)")
    connection.execute("INSERT INTO T VALUES (1)")
    connection.execute(
        "CREATE LUA SCRIPT GOES_ON () AS\n"
        "pquery([[INSERT INTO T VALUES (5)]])\n"
        "pquery([[INSERT INTO T VALUES (1)]])\n"
        "output(tostring((pquery([[COMMIT]]))))\n"
        "query([[ROLLBACK]])\n"
        "query([[INSERT INTO T VALUES (6)]])\n"
    )
    assert rows(connection, "EXECUTE SCRIPT GOES_ON() WITH OUTPUT") == [("false",)]
    assert rows(connection, "SELECT A FROM T ORDER BY A") == [(1,), (6,)]
