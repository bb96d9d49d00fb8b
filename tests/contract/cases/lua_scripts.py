"""Lua scripts: statements, values, results and errors."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contract.case import Failure, Row, SqlCase, Step

STATEMENTS, VALUES, RESULTS, ERRORS = (
    "Lua: statements",
    "Lua: values",
    "Lua: results",
    "Lua: errors",
)
DOCS = (
    Step("CREATE TABLE DOCS (ID DECIMAL(18,0), CTX VARCHAR(100), PRICE DECIMAL(9,2))"),
    Step("INSERT INTO DOCS VALUES (1, 'one', 1.50), (2, 'it''s', NULL)", 2),
)


def lua(body: str, head: str = "L ()") -> Step:
    """A Lua script."""
    return Step(f"CREATE LUA SCRIPT {head} AS\n{body}\n")


def prints(
    group: str, name: str, body: str, *output: str, call: str = "L()", head: str = "L ()"
) -> SqlCase:
    """A script and the lines of its output."""
    wanted = [(line,) for line in output]
    steps = (*DOCS, lua(body, head), Step(f"EXECUTE SCRIPT {call} WITH OUTPUT", wanted))
    return SqlCase(group, name, steps)


def gives(name: str, body: str, rows: Sequence[Row] | int | Failure, returns: str) -> SqlCase:
    """A script and its result."""
    script = lua(body, f"L () RETURNS {returns}")
    return SqlCase(RESULTS, name, (*DOCS, script, Step("EXECUTE SCRIPT L()", rows)))


def raises(
    name: str, body: str, code: str, words: str = "", head: str = "L ()", call: str = "L()"
) -> SqlCase:
    """A script and the error that the client gets."""
    failure = Failure(code, words)
    return SqlCase(ERRORS, name, (*DOCS, lua(body, head), Step(f"EXECUTE SCRIPT {call}", failure)))


CASES = [
    prints(
        STATEMENTS,
        "rows by number, columns by number and name",
        "local r = query([[SELECT ID, CTX FROM DOCS ORDER BY ID]])\n"
        "output(#r, r[1][1], r[2].CTX, r[2]['ID'])",
        "2 1 it's 2",
    ),
    prints(
        STATEMENTS,
        "a query without rows",
        "output(#query([[SELECT * FROM DOCS WHERE ID > 9]]))",
        "0",
    ),
    prints(
        STATEMENTS,
        ":value of a text with quotes",
        'output(query([[SELECT ID FROM DOCS WHERE CTX = :v]], {v = "it\'s"})[1].ID)',
        "2",
    ),
    prints(
        STATEMENTS,
        ":value of a number, a boolean and NULL",
        "local r = query([[SELECT :n + 1 AS N, CASE WHEN :b THEN 'yes' END AS B,"
        " NVL(:x, 'none') AS X]], {n = 41, b = true, x = null})\n"
        "output(r[1].N, r[1].B, r[1].X)",
        "42 yes none",
    ),
    prints(
        STATEMENTS,
        "::identifier of a table and a column",
        "output(query([[SELECT ::c AS C FROM ::t ORDER BY ID]], {c = 'ctx', t = 'docs'})[1].C)",
        "one",
    ),
    prints(
        STATEMENTS,
        "a colon in a text is no parameter",
        "output(query([[SELECT ':v' AS C FROM DUAL WHERE 1 = :v]], {v = 1})[1].C)",
        ":v",
    ),
    prints(
        STATEMENTS,
        "quote keeps case and doubles quotes",
        "output(quote('a b'), quote('x\"y'))",
        '"a b" "x""y"',
    ),
    prints(
        STATEMENTS,
        "a quoted name as identifier",
        "query([[CREATE TABLE ::t (A INT)]], {t = quote('my table')})\n"
        'output(#query([[SELECT * FROM "my table"]]))',
        "0",
    ),
    prints(STATEMENTS, "join", "output(join(', ', 'a', 'b', 'c'))", "a, b, c"),
    prints(
        STATEMENTS,
        "rows that a statement changed",
        "output(query([[UPDATE DOCS SET PRICE = 2]]).rows_affected)\n"
        "output(query([[DELETE FROM DOCS WHERE ID = 1]]).rows_affected)\n"
        "output(query([[INSERT INTO DOCS VALUES (3, 'x', 1)]]).rows_affected)",
        "2",
        "1",
        "1",
    ),
    prints(
        STATEMENTS,
        "pquery that works",
        "local ok, r = pquery([[SELECT ID FROM DOCS WHERE ID = :i]], {i = 1})\noutput(ok, r[1].ID)",
        "true 1",
    ),
    prints(
        STATEMENTS,
        "pquery that fails",
        "local ok, r = pquery([[SELECT * FROM NO_SUCH_TABLE]])\n"
        "output(ok, r.error_code, r.error_message:find('NO_SUCH_TABLE', 1, true) ~= nil)",
        "false 42000 true",
    ),
    prints(
        STATEMENTS,
        "the text of a statement that failed",
        "local ok, r = pquery([[SELECT :v FROM NO_SUCH_TABLE]], {v = 7})\noutput(r.statement_text)",
        "SELECT 7 FROM NO_SUCH_TABLE",
    ),
    prints(
        STATEMENTS,
        "an error of query can be caught with pcall",
        "output((pcall(query, [[SELECT * FROM NO_SUCH_TABLE]])))",
        "false",
    ),
    prints(
        STATEMENTS,
        "a parameter that is not given",
        "output((pcall(query, [[SELECT :gone]], {})))",
        "false",
    ),
    SqlCase(
        STATEMENTS,
        "a UDF inside a statement of a script",
        (
            Step(
                "CREATE PYTHON3 SCALAR SCRIPT TWICE (n INT) RETURNS INT AS\n"
                "def run(ctx): return 2 * ctx.n\n"
            ),
            lua("output(query([[SELECT TWICE(21) AS T]])[1].T)"),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("42",)]),
        ),
    ),
    prints(
        VALUES,
        "arguments are variables, in the case in which the head has them",
        "output(aText, A_NUMBER + 1, flag, nothing == null)",
        "x 3 true true",
        head="L (aText, A_NUMBER, flag, nothing)",
        call="L('x', 1 + 1, TRUE, NULL)",
    ),
    prints(
        VALUES,
        "an ARRAY argument",
        "output(#a, a[1], a[3])",
        "3 x z",
        head="L (ARRAY a)",
        call="L(ARRAY('x', 'y', 'z'))",
    ),
    prints(
        VALUES,
        "an empty text as an argument is NULL",
        "output(a == null)",
        "true",
        head="L (a)",
        call="L('')",
    ),
    prints(
        VALUES,
        "NULL in a result is null, not nil",
        "local r = query([[SELECT PRICE FROM DOCS WHERE ID = 2]])\n"
        "output(r[1].PRICE == null, r[1].PRICE == nil, r[1].NO_COLUMN == nil)",
        "true false true",
    ),
    prints(VALUES, "null counts as true", "output(null and 'yes' or 'no')", "yes"),
    prints(
        VALUES,
        "whole numbers are numbers",
        "local r = query([[SELECT CAST(7 AS DECIMAL(18,0)) AS N]])\n"
        "output(type(r[1].N), r[1].N * 2)",
        "number 14",
    ),
    prints(
        VALUES,
        "decimals keep their digits",
        "local r = query([[SELECT CAST('12345678901234567890.12' AS DECIMAL(22,2)) AS N]])\n"
        "output(tostring(r[1].N))",
        "12345678901234567890.12",
    ),
    prints(
        VALUES,
        "booleans are booleans",
        "local r = query([[SELECT TRUE AS B]])\noutput(type(r[1].B), r[1].B)",
        "boolean true",
    ),
    prints(
        VALUES,
        "dates are texts",
        "local r = query([[SELECT DATE '2026-02-28' AS D]])\noutput(type(r[1].D), r[1].D)",
        "string 2026-02-28",
    ),
    prints(
        VALUES,
        "texts are UTF-8",
        "local r = query([[SELECT 'ö😀' AS T]])\noutput(#r[1].T, utf8.len(r[1].T), r[1].T)",
        "6 2 ö😀",
    ),
    prints(
        VALUES,
        "cjson encodes and decodes",
        "local cjson = require('cjson')\n"
        'local t = cjson.decode(\'{"a": [1, 2, {"b": "x"}]}\')\n'
        "output(#t.a, t.a[3].b, cjson.encode({1, 2}))",
        "3 x [1,2]",
    ),
    prints(
        VALUES,
        "cjson.null is null",
        "local cjson = require('cjson')\noutput(cjson.decode('[null]')[1] == cjson.null)",
        "true",
    ),
    prints(
        VALUES,
        "exa.meta of a script",
        "local open = query([[SELECT CURRENT_SCHEMA AS S]])[1].S\n"
        "output(exa.meta.script_name, exa.meta.script_schema == open)",
        "L true",
    ),
    prints(
        VALUES,
        "the user of the session",
        "output(exa.meta.current_user == query([[SELECT CURRENT_USER AS U]])[1].U)",
        "true",
    ),
    prints(VALUES, "output of several values", "output('a', 1, true)", "a 1 true"),
    SqlCase(
        RESULTS,
        "output without WITH OUTPUT changes nothing",
        (lua("output('quiet')"), Step("EXECUTE SCRIPT L()", 0)),
    ),
    gives(
        "a table of its own rows",
        "return {{1, 'a'}, {2, null}}, 'ID DECIMAL(9,0), T VARCHAR(9)'",
        [(1, "a"), (2, None)],
        "TABLE",
    ),
    gives("a table without rows", "return {}, 'ID DECIMAL(9,0)'", [], "TABLE"),
    gives("exit with a table", "exit({{1}}, 'ID DECIMAL(9,0)')", [(1,)], "TABLE"),
    gives(
        "the result of a query as the table",
        "return query([[SELECT ID, CTX FROM DOCS ORDER BY ID]])",
        [(1, "one"), (2, "it's")],
        "TABLE",
    ),
    gives(
        "a table of every type",
        "return {{1.5, true, '2026-02-28', 0.25}}, 'N DECIMAL(9,2), B BOOLEAN, D DATE, F DOUBLE'",
        [("1.50", True, "2026-02-28", 0.25)],
        "TABLE",
    ),
    gives(
        "a number of rows",
        "return query([[UPDATE DOCS SET PRICE = 1]])",
        2,
        "ROWCOUNT",
    ),
    gives("a number of rows by exit", "exit({rows_affected = 5})", 5, "ROWCOUNT"),
    SqlCase(
        RESULTS,
        "exit ends a script",
        (
            lua("output('before')\nexit()\noutput('after')"),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("before",)]),
        ),
    ),
    SqlCase(
        RESULTS,
        "import of another script",
        (
            lua("function twice(n) return 2 * n end", "LIB ()"),
            lua("import('$SCHEMA.LIB', 'lib')\noutput(lib.twice(21))"),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("42",)]),
        ),
    ),
    SqlCase(
        RESULTS,
        "import under the script's own name",
        (
            lua("function twice(n) return 2 * n end", "LIB ()"),
            lua("import('$SCHEMA.LIB')\noutput(LIB.twice(21))"),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("42",)]),
        ),
    ),
    raises("error with a text", "error('E-1: it broke')", "43000", "E-1: it broke"),
    raises("an error of Lua itself", "local x = nil\nreturn x.y", "43000", "nil value"),
    raises(
        "an error of a statement",
        "query([[SELECT * FROM NO_SUCH_TABLE]])",
        "42000",
        "NO_SUCH_TABLE",
    ),
    raises("an error that names the line", "output(1)\nerror('here')", "43000", "at line 2"),
    raises("a script that is not there", "output(1)", "42000", "NO_SUCH", call="NO_SUCH()"),
    raises("too few arguments", "output(a)", "42000", head="L (a)"),
    raises("import of what is not there", "import('$SCHEMA.NO_SUCH')", "42000", "NO_SUCH"),
    raises("a table that is none", "return 5", "43000", head="L () RETURNS TABLE"),
]
