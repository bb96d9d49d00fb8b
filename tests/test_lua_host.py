"""Lua scripts that run SQL on a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from exallm.local.exasol_type import ExasolType
from exallm.local.lua.host import run_lua_script
from exallm.local.lua.script import LuaScript, parse_lua_script
from exallm.local.lua.session import LuaArgument, LuaOutcome, QueryResult, SqlValue
from exallm.local.sql_error import SqlError

_TYPES = {"BIGINT": "DECIMAL(36,0)", "INTEGER": "DECIMAL(18,0)", "VARCHAR": "VARCHAR(2000000)"}


class DuckDbSession:
    """A session on a DuckDB connection whose names are all upper case."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.meta = {"session_id": 1}
        self.statements: list[str] = []
        self._connection = connection

    def execute(self, sql: str) -> QueryResult:
        self.statements.append(sql)
        try:
            cursor = self._connection.execute(sql)
            names = [(column[0], str(column[1])) for column in cursor.description or ()]
            rows = cursor.fetchall()
        except duckdb.Error as problem:
            raise SqlError("42000", str(problem).splitlines()[0]) from None
        if [name for name, _ in names] == ["Count"]:
            return QueryResult((), (), [], rows[0][0] if rows else 0, sql, len(self.statements))
        types = tuple(ExasolType.parse(_TYPES.get(type_, type_)) for _, type_ in names)
        columns = tuple(name for name, _ in names)
        return QueryResult(columns, types, rows, 0, sql, len(self.statements))

    def script_text(self, schema_and_name: str) -> LuaScript:
        raise SqlError("42000", f"script {schema_and_name} not found")

    def check_abort(self) -> None:
        return


@pytest.fixture
def session() -> Iterator[DuckDbSession]:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE DOCS(ID BIGINT, CTX VARCHAR, PRICE DECIMAL(10,2))")
    connection.execute("INSERT INTO DOCS VALUES (1, 'a', 1.50), (2, 'it''s', NULL)")
    yield DuckDbSession(connection)
    connection.close()


def run(
    session: DuckDbSession,
    body: str,
    arguments: Sequence[LuaArgument] = (),
    head: str = "S.T",
    memory_limit: int = 2**26,
) -> LuaOutcome:
    script = parse_lua_script(f"CREATE SCRIPT {head} AS\n{body}", None)
    return run_lua_script(script, arguments, session, memory_limit)


def table(session: DuckDbSession, body: str) -> LuaOutcome:
    return run(session, body, head="S.T() RETURNS TABLE")


def test_rows_are_reached_by_number_and_by_name(session: DuckDbSession) -> None:
    body = """
local r = query([[SELECT ID, CTX, PRICE FROM ::t WHERE CTX = :v]], {t = name, v = value})
output(#r, #r[1], r[1][1], r[1].CTX, r[1]['CTX'], r[1].PRICE == null, r[1].ctx, r[1].NOPE)
output(r.statement_text)
output(r.statement_id)
for i, row in ipairs(r) do output(i, row.ID) end
for key in pairs(r) do output(key) end"""
    outcome = run(session, body, ["docs", "it's"], "S.T(name, value)")
    assert outcome.output == (
        "1 3 2 it's it's true nil nil",
        """SELECT ID, CTX, PRICE FROM "DOCS" WHERE CTX = 'it''s'""",
        "1",
        "1 2",
        "1",
    )


def test_rows_affected_of_a_statement(session: DuckDbSession) -> None:
    body = """
local r = query([[INSERT INTO DOCS VALUES (:id, :ctx, :price)]], {id = 3, ctx = null, price = 2.5})
output(r.rows_affected, #r)
return query([[UPDATE DOCS SET CTX = :c]], {c = 'é😀\\0'})"""
    outcome = run(session, body, head="S.T RETURNS ROWCOUNT")
    assert (outcome.output, outcome.rows_affected) == (("1 0",), 3)
    again = table(session, "return query('SELECT * FROM DOCS ORDER BY ID')")
    assert again.rows == [
        (1, "é😀\x00", Decimal("1.50")),
        (2, "é😀\x00", None),
        (3, "é😀\x00", Decimal("2.50")),
    ]


@pytest.mark.parametrize(
    ("sql", "lua"),
    [
        ("SELECT TRUE X", "boolean true"),
        ("SELECT CAST(5 AS BIGINT) X", "number 5"),
        ("SELECT CAST(9007199254740992 AS BIGINT) X", "number 9007199254740992"),
        ("SELECT CAST(9007199254740993 AS BIGINT) X", "table 9007199254740993"),
        ("SELECT CAST(7 AS DECIMAL(18,0)) X", "number 7"),
        ("SELECT CAST(1.5 AS DECIMAL(9,2)) X", "table 1.50"),
        ("SELECT CAST(1.5 AS DOUBLE) X", "number 1.5"),
        ("SELECT DATE '2026-02-28' X", "string 2026-02-28"),
        ("SELECT TIMESTAMP '2026-02-28 01:02:03' X", "string 2026-02-28 01:02:03.000000"),
        ("SELECT NULL::VARCHAR X", "table null"),
    ],
)
def test_values_in_lua(session: DuckDbSession, sql: str, lua: str) -> None:
    assert run(session, f"local x = query([[{sql}]])[1].X output(type(x), x)").output == (lua,)


@pytest.mark.parametrize(
    "value",
    [None, True, 5, -(2**53), 2**60, 1.25, Decimal("12345678901234567890.12"), "it's :x"],
)
def test_an_argument_can_be_a_parameter(session: DuckDbSession, value: SqlValue) -> None:
    outcome = run(
        session,
        "return query('SELECT :v = :w AS X', {v = v, w = v})",
        [value],
        "S.T(v) RETURNS TABLE",
    )
    assert outcome.rows == [(None if value is None else True,)]


def test_pquery_tells_whether_it_worked(session: DuckDbSession) -> None:
    body = """
local ok, r = pquery('SELECT 1 AS X')
output(ok, r[1].X, r.error_code, r.error_message)
ok, r = pquery('SELECT * FROM ::t', {t = 'nope'})
output(ok, r.error_code, r.statement_text, r.error_message:match('NOPE'))
output(pcall(query, 'SELECT :gone', {}))"""
    assert run(session, body).output == (
        "true 1 nil nil",
        'false 42000 SELECT * FROM "NOPE" NOPE',
        "false parameter :gone of the statement is not given",
    )


def test_a_sql_error_can_be_caught_and_raised_again(session: DuckDbSession) -> None:
    body = "local ok, e = pcall(query, 'SELECT * FROM NOPE')\noutput(e.error_code)\nerror(e)"
    with pytest.raises(SqlError) as caught:
        run(session, body)
    assert caught.value.code == "42000"
    assert caught.value.text.endswith('(caught in script "S"."T" at line 3)')


def test_without_parameters_a_statement_is_not_touched(session: DuckDbSession) -> None:
    outcome = run(session, "output(pquery([[SELECT 1 AS X -- :v]]))")
    assert outcome.output[0].startswith("true")
    assert session.statements == ["SELECT 1 AS X -- :v"]


def test_broken_utf8_never_reaches_the_database(session: DuckDbSession) -> None:
    body = "output(pquery('SELECT 1', {v = ('é'):sub(1, 1)})) query('\\xff')"
    with pytest.raises(SqlError, match="not valid UTF-8") as caught:
        run(session, body)
    assert caught.value.code == "22021"
    assert session.statements == []


def test_a_script_returns_rows_of_its_own(session: DuckDbSession) -> None:
    outcome = table(
        session,
        "return {{1, 'a', '2026-02-28'}, {2, null, nil}, {3.0, 4, ''}},"
        " 'ID INT, \"name\" VARCHAR(5), D DATE'",
    )
    assert outcome.columns == ("ID", "name", "D")
    assert outcome.types[1] == ExasolType("VARCHAR", size=5)
    assert outcome.rows == [(1, "a", date(2026, 2, 28)), (2, None, None), (3, "4", None)]


def test_a_script_returns_no_rows(session: DuckDbSession) -> None:
    outcome = table(session, "exit({}, 'ID INT')")
    assert (outcome.columns, outcome.rows) == (("ID",), [])


def test_a_script_hands_on_the_result_of_a_query(session: DuckDbSession) -> None:
    outcome = table(
        session,
        "exit(query([[SELECT ID, PRICE, DATE '2026-01-02' AS D,"
        " TIMESTAMP '2026-01-02 03:04:05' AS T FROM DOCS ORDER BY ID]]))",
    )
    assert outcome.columns == ("ID", "PRICE", "D", "T")
    assert [type_.name if type_ else None for type_ in outcome.types] == [
        "DECIMAL",
        "DECIMAL",
        "DATE",
        "TIMESTAMP",
    ]
    day, moment = date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5)
    assert outcome.rows == [(1, Decimal("1.50"), day, moment), (2, None, day, moment)]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "the script RETURNS TABLE, but returned a nil"),
        ("return {}", "return the rows and 'COLUMN TYPE, ...'"),
        ("return {1}, 'X INT'", "row 1 of the result is a number, not a table"),
        ("return {{1, 2}}, 'X INT'", "row 1 of the result has more than 1 columns"),
        ("return {{{}}}, 'X INT'", "row 1, column 1 of the result is a table"),
        ("return {{1}}, 5", "the columns of the result must be a string, not a number"),
        ("return {{1}}, 'X'", "syntax error in the columns"),
        ("return {{'a'}}, 'X INT'", "row 1, column X of the script's result"),
        ("return {{'\\xff'}}, 'X VARCHAR(3)'", "not valid UTF-8"),
        ("return query('CREATE TABLE NEW(I INT)')", "without a result set"),
    ],
)
def test_a_table_that_is_none_is_refused(session: DuckDbSession, body: str, text: str) -> None:
    with pytest.raises(SqlError) as caught:
        table(session, body)
    assert text in caught.value.text


def test_a_result_that_does_not_fit_into_memory_is_refused(session: DuckDbSession) -> None:
    body = "pquery([[SELECT REPEAT('x', 10000) || I AS X FROM RANGE(20000) T(I)]])"
    with pytest.raises(SqlError, match=r"E-EXALLM-LOCAL-40: .* more than 64 MiB"):
        run(session, body)


def test_many_rows_pass(session: DuckDbSession) -> None:
    body = """
local sum, r = 0, query('SELECT I::BIGINT AS I FROM RANGE(50000) T(I)')
for i = 1, #r do sum = sum + r[i].I end
output(#r, sum)"""
    assert run(session, body).output == ("50000 1249975000",)
