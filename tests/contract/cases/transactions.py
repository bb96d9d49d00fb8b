"""Transactions of a session: changes, definitions, conflicts, what others see."""

from __future__ import annotations

from tests.contract.case import EXASOL, Autocommit, SqlCase, Step, Upload, fails

CHANGES, DDL, SESSIONS, CHECKS = (
    "transactions: changes",
    "transactions: definitions",
    "transactions: sessions",
    "what a table refuses",
)
TABLE = (
    Step("CREATE TABLE T (A INT, B VARCHAR(9))"),
    Step("INSERT INTO T VALUES (1, 'x'), (2, 'y')", 2),
)
ALL = "SELECT A, B FROM T ORDER BY A"
BEFORE = [(1, "x"), (2, "y")]
WAITS = "there the second writer waits for the first one, which one client cannot do in turn"

Steps = tuple[Step | Upload | Autocommit, ...]


AS_BEFORE: Steps = (Step(ALL, BEFORE),)


def undone(group: str, name: str, *statements: str, then: Steps = AS_BEFORE) -> SqlCase:
    """Statements that a ROLLBACK undoes."""
    steps: Steps = (*TABLE, Autocommit(False), *map(Step, statements), Step("ROLLBACK"), *then)
    return SqlCase(group, name, steps)


def objects(*names: str) -> Step:
    """What there is in the schema."""
    sql = "SELECT OBJECT_NAME FROM EXA_ALL_OBJECTS WHERE ROOT_NAME = '$SCHEMA' ORDER BY 1"
    return Step(sql, [(name,) for name in names])


SEVEN = "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT N () RETURNS INT AS\ndef run(ctx): return 7\n"
EIGHT = SEVEN.replace("7", "8")

CASES = [
    undone(CHANGES, "INSERT", "INSERT INTO T VALUES (3, 'z')"),
    undone(CHANGES, "UPDATE", "UPDATE T SET B = 'new'"),
    undone(CHANGES, "DELETE", "DELETE FROM T"),
    undone(CHANGES, "TRUNCATE TABLE", "TRUNCATE TABLE T"),
    undone(
        CHANGES,
        "MERGE",
        "MERGE INTO T USING (SELECT 1 AS A UNION ALL SELECT 9) S ON T.A = S.A"
        " WHEN MATCHED THEN UPDATE SET B = 'm' WHEN NOT MATCHED THEN INSERT VALUES (S.A, 'n')",
    ),
    undone(CHANGES, "several statements", "DELETE FROM T", "INSERT INTO T VALUES (5, 'q')"),
    SqlCase(
        CHANGES,
        "COMMIT keeps changes",
        (
            *TABLE,
            Autocommit(False),
            Step("DELETE FROM T WHERE A = 1", 1),
            Step("COMMIT"),
            Step("ROLLBACK"),
            Step(ALL, [(2, "y")]),
        ),
    ),
    SqlCase(
        CHANGES,
        "a transaction sees its own changes",
        (*TABLE, Autocommit(False), Step("DELETE FROM T", 2), Step(ALL, [])),
    ),
    SqlCase(
        CHANGES,
        "with autocommit each statement is a transaction",
        (
            *TABLE,
            Step("INSERT INTO T VALUES (3, 'z')"),
            Step("ROLLBACK"),
            Step("SELECT COUNT(*) FROM T", [(3,)]),
        ),
    ),
    SqlCase(
        CHANGES,
        "COMMIT and ROLLBACK without a transaction",
        (Step("COMMIT"), Step("ROLLBACK"), Step("SELECT 1", [(1,)])),
    ),
    SqlCase(
        CHANGES,
        "a statement that fails changes nothing",
        (
            *TABLE,
            fails("INSERT INTO T SELECT A, 'far too long' FROM T", "22001"),
            Step(ALL, BEFORE),
        ),
    ),
    SqlCase(
        CHANGES,
        "MERGE from the table that it changes",
        (
            *TABLE,
            Step(
                "MERGE INTO T USING (SELECT A + 1 AS A, B FROM T) S ON T.A = S.A"
                " WHEN MATCHED THEN UPDATE SET B = S.B"
                " WHEN NOT MATCHED THEN INSERT VALUES (S.A, S.B)",
                2,
            ),
            Step(ALL, [(1, "x"), (2, "x"), (3, "y")]),
        ),
    ),
    undone(DDL, "CREATE TABLE", "CREATE TABLE U (A INT)", then=(objects("T"),)),
    undone(DDL, "CREATE TABLE AS", "CREATE TABLE U AS SELECT * FROM T", then=(objects("T"),)),
    undone(DDL, "DROP TABLE", "DROP TABLE T"),
    undone(
        DDL,
        "ALTER TABLE ADD COLUMN",
        "ALTER TABLE T ADD COLUMN C INT",
        then=(Step("SELECT * FROM T WHERE A = 1", [(1, "x")]),),
    ),
    undone(DDL, "CREATE VIEW", "CREATE VIEW V AS SELECT A FROM T", then=(objects("T"),)),
    undone(DDL, "CREATE SCRIPT", SEVEN, then=(objects("T"),)),
    undone(
        DDL,
        "a script that is made is called before COMMIT",
        SEVEN,
        "INSERT INTO T SELECT N(), 'n'",
    ),
    SqlCase(
        DDL,
        "CREATE OR REPLACE SCRIPT",
        (
            Step(SEVEN),
            Autocommit(False),
            Step(EIGHT),
            Step("SELECT N()", [(8,)]),
            Step("ROLLBACK"),
            Step("SELECT N()", [(7,)]),
        ),
    ),
    SqlCase(
        DDL,
        "DROP SCRIPT",
        (
            Step(SEVEN),
            Autocommit(False),
            Step("DROP SCRIPT N"),
            Step("ROLLBACK"),
            Step("SELECT N()", [(7,)]),
        ),
    ),
    SqlCase(
        DDL,
        "GRANT",
        (
            *TABLE,
            Autocommit(False),
            Step("GRANT SELECT ON T TO $USER"),
            Step("ROLLBACK"),
            fails("SELECT * FROM $SCHEMA.T", "42500", "insufficient privileges", "USER"),
        ),
    ),
    SqlCase(
        DDL,
        "CREATE CONNECTION",
        (
            Autocommit(False),
            Step("CREATE CONNECTION $CONNECTION TO 'x'"),
            Step("ROLLBACK"),
            fails("DROP CONNECTION $CONNECTION", "42000"),
        ),
    ),
    SqlCase(
        DDL,
        "data and definitions in one transaction",
        (
            *TABLE,
            Autocommit(False),
            Step("CREATE TABLE U AS SELECT * FROM T"),
            Step("DELETE FROM T"),
            Step("COMMIT"),
            objects("T", "U"),
            Step("SELECT COUNT(*) FROM U", [(2,)]),
        ),
    ),
    SqlCase(
        SESSIONS,
        "others do not see what is not committed",
        (
            *TABLE,
            Autocommit(False),
            Step("INSERT INTO T VALUES (3, 'z')"),
            Step("SELECT COUNT(*) FROM T", [(2,)], "SECOND"),
            Step("COMMIT"),
            Step("SELECT COUNT(*) FROM T", [(3,)], "SECOND"),
        ),
    ),
    SqlCase(
        SESSIONS,
        "a table that is not committed is not there for others",
        (
            Autocommit(False),
            Step("CREATE TABLE U (A INT)"),
            fails("SELECT * FROM U", "42000", "U", "SECOND"),
            Step("COMMIT"),
            Step("SELECT * FROM U", [], "SECOND"),
        ),
    ),
    SqlCase(
        SESSIONS,
        "a transaction reads what was there when it began",
        (
            *TABLE,
            Autocommit(False, "SECOND"),
            Step("SELECT COUNT(*) FROM T", [(2,)], "SECOND"),
            Step("INSERT INTO T VALUES (3, 'z')"),
            Step("SELECT COUNT(*) FROM T", [(2,)], "SECOND"),
            Step("COMMIT", by="SECOND"),
            Step("SELECT COUNT(*) FROM T", [(3,)], "SECOND"),
        ),
    ),
    SqlCase(
        SESSIONS,
        "a script keeps its text for a transaction that has begun",
        (
            Step(SEVEN),
            Autocommit(False, "SECOND"),
            Step("SELECT N()", [(7,)], "SECOND"),
            Step(EIGHT),
            Step("SELECT N()", [(7,)], "SECOND"),
            Step("COMMIT", by="SECOND"),
            Step("SELECT N()", [(8,)], "SECOND"),
        ),
        differs={EXASOL: WAITS},
    ),
    SqlCase(
        SESSIONS,
        "two writers of one row: one fails with 40001",
        (
            *TABLE,
            Autocommit(False),
            Autocommit(False, "SECOND"),
            Step("UPDATE T SET B = 'a' WHERE A = 1", 1),
            fails("UPDATE T SET B = 'b' WHERE A = 1", "40001", "Transaction collision", "SECOND"),
            Step("COMMIT"),
            Step("UPDATE T SET B = 'c' WHERE A = 1", 1, "SECOND"),
            Step("COMMIT", by="SECOND"),
            Step("SELECT B FROM T WHERE A = 1", [("c",)]),
        ),
        differs={EXASOL: WAITS},
    ),
    SqlCase(
        SESSIONS,
        "who read a row before another changed it fails with 40001",
        (
            *TABLE,
            Autocommit(False, "SECOND"),
            Step("SELECT COUNT(*) FROM T", [(2,)], "SECOND"),
            Step("UPDATE T SET B = 'a' WHERE A = 1", 1),
            fails("UPDATE T SET B = 'b' WHERE A = 1", "40001", "", "SECOND"),
        ),
    ),
    SqlCase(
        CHECKS,
        "a text that is too long",
        (*TABLE, fails("INSERT INTO T VALUES (3, '1234567890')", "22001")),
    ),
    SqlCase(
        CHECKS,
        "a number that is too large",
        (
            Step("CREATE TABLE U (A DECIMAL(3,0))"),
            fails("INSERT INTO U VALUES (1000)", "22003"),
        ),
    ),
    SqlCase(
        CHECKS,
        "a text that is no number",
        (*TABLE, fails("INSERT INTO T VALUES ('abc', 'x')", "22018")),
    ),
    SqlCase(
        CHECKS,
        "a second row of one key",
        (
            Step("CREATE TABLE U (A INT PRIMARY KEY)"),
            Step("INSERT INTO U VALUES (1)"),
            fails("INSERT INTO U VALUES (1)", "27001", "constraint violation"),
        ),
    ),
    SqlCase(
        CHECKS,
        "NULL where none may be",
        (
            Step("CREATE TABLE U (A INT NOT NULL)"),
            fails("INSERT INTO U VALUES (NULL)", "27002", "constraint violation"),
        ),
    ),
    SqlCase(
        CHECKS,
        "an empty text is NULL",
        (
            *TABLE,
            Step("INSERT INTO T VALUES (3, '')"),
            Step("SELECT A FROM T WHERE B IS NULL", [(3,)]),
        ),
    ),
]
