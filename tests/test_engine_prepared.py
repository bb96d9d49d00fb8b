"""Prepared statements: types of parameters, values of all types, batches, errors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyexasol
import pytest

from exallm.local.engine_home import EngineHome
from tests.test_engine_protocol import ask, bare, log_in  # noqa: F401 - a fixture

Row = tuple[Any, ...]


def prepared(connection: Any, sql: str) -> Any:
    return connection.create_prepared_statement(sql)


def run(connection: Any, sql: str, *values: Any) -> list[Row]:
    statement = prepared(connection, sql)
    statement.execute_prepared([values] if values else None)
    found: list[Row] = statement.fetchall()
    return found


def types(statement: Any) -> list[str]:
    """The types of a statement's parameters, as SQL names them."""
    named = []
    for column in (statement.parameter_data or {"columns": []})["columns"]:
        type_ = column["dataType"]
        if type_["type"] == "DECIMAL":
            named.append(f"DECIMAL({type_['precision']},{type_['scale']})")
        elif type_["type"] == "VARCHAR":
            named.append(f"VARCHAR({type_['size']})")
        else:
            named.append(type_["type"])
    return named


LONG_AGO = "1970-01-01 00:00:00.000000"
ALL = (
    "I DECIMAL(18,0), D DECIMAL(36,10), F DOUBLE, B BOOLEAN, DT DATE, TS TIMESTAMP(6), S VARCHAR(9)"
)


def test_a_batch_with_all_types_goes_in_and_comes_out(connection: Any) -> None:
    connection.execute(f"CREATE TABLE T ({ALL})")
    statement = prepared(connection, "INSERT INTO T VALUES (?, ?, ?, ?, ?, ?, ?)")
    assert types(statement) == [
        *("DECIMAL(18,0)", "DECIMAL(36,10)", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP"),
        "VARCHAR(9)",
    ]
    rows: list[Row] = [
        (1, "1.5000000000", 0.25, True, "2024-02-29", "2024-02-29 12:00:00.123456", "ä"),
        (None, None, None, None, None, None, None),
        (1 - 10**18, "-0.0000000001", -1e300, False, "0001-01-01", LONG_AGO, "x,'\"\n"),
    ]  # fmt: skip
    statement.execute_prepared(rows)
    assert statement.rowcount() == 3
    assert connection.execute("SELECT * FROM T").fetchall() == rows
    statement.execute_prepared([(2, 3, 4, 1, "2024-01-01", "2024-01-01", 5)])
    assert connection.execute("SELECT * FROM T WHERE I = 2").fetchall() == [
        (2, "3.0000000000", 4.0, True, "2024-01-01", "2024-01-01 00:00:00.000000", "5")
    ]
    statement.execute_prepared([(3, "", None, "", "", "", "")])
    assert connection.execute("SELECT COUNT(S), COUNT(*) FROM T").fetchall() == [(3, 5)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ? AS A", ["VARCHAR(2000000)"]),
        ("SELECT * FROM T WHERE I = ? AND S < ?", ["DECIMAL(18,0)", "VARCHAR(2000000)"]),
        ("SELECT * FROM T WHERE ? > D", ["DECIMAL(36,10)"]),
        ("SELECT * FROM T WHERE I IN (?, ?, 3)", ["DECIMAL(18,0)", "DECIMAL(18,0)"]),
        ("SELECT * FROM T WHERE DT BETWEEN ? AND ?", ["DATE", "DATE"]),
        ("SELECT * FROM T WHERE TS < ? OR B = ?", ["TIMESTAMP", "BOOLEAN"]),
        ("SELECT * FROM T WHERE F <> ?", ["DOUBLE"]),
        ("SELECT CAST(? AS DECIMAL(9,2)) AS A", ["DECIMAL(9,2)"]),
        ("SELECT COALESCE(I, ?) AS A, CASE WHEN B THEN ? ELSE D END AS C FROM T",
         ["DECIMAL(18,0)", "DECIMAL(36,10)"]),
        ("UPDATE T SET S = ?, I = ? WHERE DT = ?", ["VARCHAR(9)", "DECIMAL(18,0)", "DATE"]),
        ("DELETE FROM T WHERE S LIKE ?", ["VARCHAR(2000000)"]),
        ("INSERT INTO T (B, S) VALUES (?, ?), (TRUE, ?)", ["BOOLEAN", "VARCHAR(9)", "VARCHAR(9)"]),
        ("INSERT INTO T (F) SELECT I FROM T WHERE S = ?", ["VARCHAR(2000000)"]),
        ("SELECT 1 AS A", []),
        ("CREATE TABLE FRESH (A INT)", []),
        ("COMMIT", []),
    ],
)  # fmt: skip
def test_types_of_parameters_come_from_their_surroundings(
    connection: Any, sql: str, expected: list[str]
) -> None:
    connection.execute(f"CREATE TABLE T ({ALL})")
    assert types(prepared(connection, sql)) == expected


def test_queries_have_columns_before_they_run(connection: Any) -> None:
    connection.execute(f"CREATE TABLE T ({ALL})")
    statement = prepared(connection, 'SELECT I, S AS "s", ? AS P FROM T WHERE I > ?')
    assert statement.column_names() == ["I", "s", "P"]
    assert statement.columns()["I"] == {"type": "DECIMAL", "precision": 18, "scale": 0}
    assert statement.fetchall() == []


def test_a_query_runs_as_often_as_it_is_asked_to(connection: Any) -> None:
    connection.execute("CREATE TABLE T (I INT, S VARCHAR(10))")
    connection.execute("INSERT INTO T VALUES (1, 'one'), (2, 'two'), (3, NULL)")
    statement = prepared(connection, "SELECT S FROM T WHERE I >= ? ORDER BY I")
    statement.execute_prepared([(2,)])
    assert statement.fetchall() == [("two",), (None,)]
    statement.execute_prepared([("3",)])
    assert statement.fetchall() == [(None,)]
    connection.execute("INSERT INTO T VALUES (4, 'four')")
    statement.execute_prepared([(4,)])
    assert statement.fetchall() == [("four",)]
    statement.execute_prepared([(None,)])
    assert statement.fetchall() == []
    assert run(connection, "SELECT COUNT(*) FROM T") == [(4,)]


def test_times_come_in_the_format_of_the_session(connection: Any) -> None:
    statement = prepared(connection, "SELECT TIMESTAMP '2024-02-29 23:59:59.5' AS T")
    statement.execute_prepared()
    assert statement.fetchall() == [("2024-02-29 23:59:59.500000",)]
    change = "ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS'"
    prepared(connection, change).execute_prepared()
    statement.execute_prepared()
    assert statement.fetchall() == [("2024-02-29 23:59:59",)]


def test_updates_and_deletes_run_for_each_row_and_count_together(connection: Any) -> None:
    connection.execute("CREATE TABLE T (I INT, S VARCHAR(10))")
    connection.execute("INSERT INTO T VALUES (1, 'a'), (2, 'b'), (3, 'c'), (3, 'd')")
    update = prepared(connection, "UPDATE T SET S = ? WHERE I = ?")
    update.execute_prepared([("x", 1), ("y", 3), ("z", 9)])
    assert update.rowcount() == 3
    delete = prepared(connection, "DELETE FROM T WHERE S = ?")
    delete.execute_prepared([("x",), ("y",)])
    assert delete.rowcount() == 3
    assert connection.execute("SELECT * FROM T").fetchall() == [(2, "b")]
    merge = prepared(
        connection,
        "MERGE INTO T USING (SELECT ? AS I, ? AS S) N ON T.I = CAST(N.I AS INT)"
        " WHEN MATCHED THEN UPDATE SET S = N.S WHEN NOT MATCHED THEN INSERT VALUES (N.I, N.S)",
    )
    merge.execute_prepared([("2", "new"), ("5", "five")])
    assert connection.execute("SELECT * FROM T ORDER BY I").fetchall() == [(2, "new"), (5, "five")]
    merge = prepared(
        connection,
        "MERGE INTO T USING (SELECT CAST(? AS INT) AS I) N ON T.I >= N.I"
        " WHEN MATCHED THEN DELETE WHERE T.S = ? AND T.I < ?"
        " WHEN NOT MATCHED THEN INSERT (I, S) VALUES (N.I, ?)",
    )
    merge.execute_prepared([(2, "five", 9, "x"), (1, "z", 9, "x"), (7, "z", 9, "seven")])
    assert connection.execute("SELECT * FROM T ORDER BY I").fetchall() == [(2, "new"), (7, "seven")]


def test_values_stay_values(connection: Any) -> None:
    connection.execute("CREATE TABLE T (S VARCHAR(100))")
    nasty = ["'; DROP TABLE T; --", "?", ":1", "a?b", "\\", '"', "\ue000", "NULL", "CURRENT_USER"]
    prepared(connection, "INSERT INTO T VALUES (?)").execute_prepared([(n,) for n in nasty])
    for text in nasty:
        assert run(connection, "SELECT S FROM T WHERE S = ?", text) == [(text,)]
        assert run(connection, "SELECT ? || '?' AS S", text) == [(text + "?",)]


def test_a_batch_is_all_or_nothing(connection: Any) -> None:
    connection.execute("CREATE TABLE T (I INT PRIMARY KEY)")
    insert = prepared(connection, "INSERT INTO T VALUES (?)")
    with pytest.raises(pyexasol.ExaRequestError, match="primary key"):
        insert.execute_prepared([(1,), (2,), (1,)])
    assert run(connection, "SELECT COUNT(*) FROM T") == [(0,)]
    insert.execute_prepared([(1,), (2,)])
    update = prepared(connection, "UPDATE T SET I = ? WHERE I = ?")
    clash = [(10, 1), (10, 2)]  # the second row fails, after the first has changed something
    with pytest.raises(pyexasol.ExaRequestError, match="primary key"):
        update.execute_prepared(clash)
    assert run(connection, "SELECT I FROM T ORDER BY I") == [(1,), (2,)]
    connection.set_autocommit(False)
    connection.execute("INSERT INTO T VALUES (3)")
    with pytest.raises(pyexasol.ExaRequestError, match="rolled back"):
        update.execute_prepared(clash)
    assert run(connection, "SELECT I FROM T ORDER BY I") == [(1,), (2,)]
    connection.rollback()


@pytest.mark.parametrize(
    ("sql", "values", "message"),
    [
        ("UPDATE T SET S = ? WHERE I = ?", [("x", "no number")], "parameter 2, row 1"),
        ("INSERT INTO T VALUES (?, ?)", [(1, "a"), (2, "too long a text")], "parameter 2, row 2"),
        ("INSERT INTO T VALUES (?, ?)", [(1, "a"), ([1], "b")], "parameter 1, row 2"),
        ("INSERT INTO T VALUES (?, ?)", [(1, "a"), ({"a": 1}, "b")], "parameter 1, row 2"),
        ("INSERT INTO T VALUES (?, ?)", [(1e400, "a")], "parameter 1, row 1"),
        ("INSERT INTO T VALUES (?, ?)", [(10**18, "a")], "parameter 1, row 1"),
        ("DELETE FROM T WHERE I = ? AND S = ?", [(1,)], "the number of data colums"),
        ("SELECT * FROM T WHERE I = ?", [(1,), (2,)], "one set of values, not 2"),
        ("SELECT * FROM T WHERE I = ?", None, "one set of values, not 0"),
    ],
)  # fmt: skip
def test_errors_name_the_parameter(connection: Any, sql: str, values: Any, message: str) -> None:
    connection.execute("CREATE TABLE T (I INT, S VARCHAR(5))")
    statement = prepared(connection, sql)
    with pytest.raises(pyexasol.ExaRequestError) as raised:
        statement.execute_prepared(values)
    assert message in str(raised.value)
    assert run(connection, "SELECT COUNT(*) FROM T") == [(0,)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM NO_SUCH WHERE A = ?", "NO_SUCH not found"),
        ("SELECT ? +", "syntax error"),
        ("SELECT 1 LIMIT ?", "LIMIT"),
        ("SELECT ABS(?)", "CAST"),
        ("CREATE VIEW V AS SELECT ? AS A", "a parameter marker"),
        ("SELECT 'a' 'b' ?", "."),
    ],
)
def test_what_cannot_be_prepared_is_refused(connection: Any, sql: str, message: str) -> None:
    with pytest.raises(pyexasol.ExaRequestError, match=message):
        statement = prepared(connection, sql)
        statement.execute_prepared([])
        raise AssertionError("it was accepted")


def test_a_marker_outside_a_prepared_statement_is_refused(connection: Any) -> None:
    with pytest.raises(pyexasol.ExaQueryError, match="a parameter marker"):
        connection.execute("SELECT ?")


def test_preparing_changes_nothing(connection: Any) -> None:
    connection.execute("CREATE TABLE T (I INT)")
    prepared(connection, "INSERT INTO T VALUES (1)")
    prepared(connection, "DROP TABLE T")
    assert run(connection, "SELECT COUNT(*) FROM T") == [(0,)]
    statement = prepared(connection, "CREATE TABLE U (I INT)")
    statement.execute_prepared()
    assert run(connection, "SELECT COUNT(*) FROM U") == [(0,)]


def test_100_000_rows_at_once(connection: Any) -> None:
    connection.execute("CREATE TABLE T (I INT, D DECIMAL(9,2), S VARCHAR(20))")
    rows = [(i, str(Decimal(i) / 4), f"row {i}") for i in range(100_000)]
    statement = prepared(connection, "INSERT INTO T VALUES (?, ?, 'x' || ?)")
    statement.execute_prepared(rows)
    assert statement.rowcount() == 100_000
    found = run(connection, "SELECT COUNT(*), CAST(SUM(I) AS INT), MAX(S) FROM T")
    assert found == [(100_000, sum(range(100_000)), "xrow 99999")]


def test_scripts_take_parameters(connection: Any) -> None:
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT TWICE (S VARCHAR(100)) RETURNS VARCHAR(200) AS\n"
        "def run(ctx):\n    return ctx.S * 2\n/"
    )
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT LETTERS (S VARCHAR(100)) EMITS (L VARCHAR(1)) AS\n"
        "def run(ctx):\n    for letter in ctx.S:\n        ctx.emit(letter)\n/"
    )
    assert run(connection, "SELECT TWICE(?) AS T", "ab") == [("abab",)]
    assert run(connection, "SELECT LETTERS(?)", "ab") == [("a",), ("b",)]


def test_handles_are_the_clients_own_and_end_when_closed(
    bare: Any,  # noqa: F811
    engine: EngineHome,
) -> None:
    log_in(bare, engine.password())
    made = ask(bare, {"command": "createPreparedStatement", "sqlText": "SELECT ? AS A"})
    handle = made["responseData"]["statementHandle"]
    assert made["responseData"]["parameterData"]["numColumns"] == 1
    execute = {"command": "executePreparedStatement", "numRows": 1, "numColumns": 1}
    for wrong in (None, "1", 1.5, True, [handle], handle + 1, -1):
        answer = ask(bare, {**execute, "statementHandle": wrong, "data": [["x"]]})
        assert answer["status"] == "error", wrong
    for data in (None, [], [[]], [["x", "y"]], ["x"], [{"a": 1}], "x", {"a": 1}, [["x"], ["y"]]):
        answer = ask(bare, {**execute, "statementHandle": handle, "data": data})
        assert answer["status"] == "error", data
    for rows in ("1", -1, 1.5, None, True, 10**30):
        request = {**execute, "statementHandle": handle, "numRows": rows, "data": [["x"]]}
        assert ask(bare, request)["status"] == "error", rows
    lone = json.dumps({**execute, "statementHandle": handle, "data": [["\ud800"]]})
    assert "UTF-8" in ask(bare, lone)["exception"]["text"]
    answer = ask(bare, {**execute, "statementHandle": handle, "data": [["x"]]})
    assert answer["responseData"]["results"][0]["resultSet"]["data"] == [["x"]]
    closing = {"command": "closePreparedStatement", "statementHandle": handle}
    assert ask(bare, closing)["status"] == "ok"
    assert ask(bare, closing)["status"] == "error"
    answer = ask(bare, {**execute, "statementHandle": handle, "data": [["x"]]})
    assert answer["status"] == "error"
