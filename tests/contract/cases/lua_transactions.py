"""Transactions inside Lua scripts."""

from __future__ import annotations

from tests.contract.case import Autocommit, SqlCase, Step, fails
from tests.contract.cases.lua_scripts import lua

GROUP = "Lua: transactions"
TABLE = Step("CREATE TABLE T (A INT)")
ALL = "SELECT A FROM T ORDER BY A"

CASES = [
    SqlCase(
        GROUP,
        "an error undoes what the script did",
        (
            TABLE,
            lua("query([[INSERT INTO T VALUES (1)]])\nerror('stop')"),
            fails("EXECUTE SCRIPT L()", "43000", "stop"),
            Step(ALL, []),
        ),
    ),
    SqlCase(
        GROUP,
        "COMMIT inside a script keeps what was done before it",
        (
            TABLE,
            lua(
                "for i = 1, 3 do\n  query([[INSERT INTO T VALUES (:i)]], {i = i})\n"
                "  if i == 2 then query([[COMMIT]]) end\nend\nerror('stop')"
            ),
            fails("EXECUTE SCRIPT L()", "43000", "stop"),
            Step(ALL, [(1,), (2,)]),
        ),
    ),
    SqlCase(
        GROUP,
        "ROLLBACK inside a script undoes what was done before it",
        (
            TABLE,
            lua(
                "query([[INSERT INTO T VALUES (1)]])\nquery([[ROLLBACK]])\n"
                "query([[INSERT INTO T VALUES (2)]])"
            ),
            Step("EXECUTE SCRIPT L()"),
            Step(ALL, [(2,)]),
        ),
    ),
    SqlCase(
        GROUP,
        "DDL and COMMIT inside a script",
        (
            lua(
                "query([[CREATE TABLE MADE (A INT)]])\nquery([[INSERT INTO MADE VALUES (1)]])\n"
                "query([[COMMIT]])\nerror('stop')"
            ),
            fails("EXECUTE SCRIPT L()", "43000", "stop"),
            Step("SELECT A FROM MADE", [(1,)]),
        ),
    ),
    SqlCase(
        GROUP,
        "DDL inside a script goes with its transaction",
        (
            lua("query([[CREATE TABLE MADE (A INT)]])\nerror('stop')"),
            fails("EXECUTE SCRIPT L()", "43000", "stop"),
            fails("SELECT A FROM MADE", "42000", "MADE"),
        ),
    ),
    SqlCase(
        GROUP,
        "a script that is made in a script is called in it",
        (
            lua(
                "query([[CREATE OR REPLACE PYTHON3 SCALAR SCRIPT SEVEN () RETURNS INT AS\n"
                "def run(ctx): return 7\n]])\noutput(query([[SELECT SEVEN() AS S]])[1].S)"
            ),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("7",)]),
        ),
    ),
    SqlCase(
        GROUP,
        "a script sees what it has changed",
        (
            TABLE,
            lua(
                "query([[INSERT INTO T VALUES (5)]])\n"
                "output(query([[SELECT SUM(A) AS S FROM T]])[1].S)"
            ),
            Step("EXECUTE SCRIPT L() WITH OUTPUT", [("5",)]),
        ),
    ),
    SqlCase(
        GROUP,
        "pquery of a statement that fails keeps the transaction",
        (
            TABLE,
            lua(
                "query([[INSERT INTO T VALUES (1)]])\npquery([[SELECT * FROM NO_SUCH_TABLE]])\n"
                "query([[INSERT INTO T VALUES (2)]])"
            ),
            Step("EXECUTE SCRIPT L()"),
            Step(ALL, [(1,), (2,)]),
        ),
    ),
    SqlCase(
        GROUP,
        "without autocommit a script's changes wait for the session",
        (
            TABLE,
            lua("query([[INSERT INTO T VALUES (1)]])"),
            Autocommit(False),
            Step("EXECUTE SCRIPT L()"),
            Step("SELECT COUNT(*) FROM T", [(0,)], "SECOND"),
            Step("ROLLBACK"),
            Step(ALL, []),
        ),
    ),
    SqlCase(
        GROUP,
        "what a script commits others see at once",
        (
            TABLE,
            lua("query([[INSERT INTO T VALUES (1)]])\nquery([[COMMIT]])"),
            Autocommit(False),
            Step("EXECUTE SCRIPT L()"),
            Step("SELECT COUNT(*) FROM T", [(1,)], "SECOND"),
        ),
    ),
    SqlCase(
        GROUP,
        "COMMENT ON SCRIPT goes with the transaction",
        (
            lua("query([[COMMENT ON SCRIPT L IS 'before']])"),
            Step("EXECUTE SCRIPT L()"),
            Autocommit(False),
            Step("COMMENT ON SCRIPT L IS 'after'"),
            Step("ROLLBACK"),
            Step(
                "SELECT SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS"
                " WHERE SCRIPT_SCHEMA = '$SCHEMA' AND SCRIPT_NAME = 'L'",
                [("before",)],
            ),
        ),
    ),
]
