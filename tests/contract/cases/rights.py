"""Rights: on schemas, tables, views and scripts, through roles, of the system."""

from __future__ import annotations

from tests.contract.case import SqlCase, Step, fails
from tests.contract.cases.lua_scripts import lua

OBJECTS, SCRIPTS, ROLES, CREATING = (
    "rights on tables and views",
    "rights on scripts",
    "rights through roles",
    "rights to create",
)
TABLE = (Step("CREATE TABLE T (A INT)"), Step("INSERT INTO T VALUES (1), (2)", 2))
UDF = Step(
    "CREATE PYTHON3 SCALAR SCRIPT F (a INT) RETURNS INT AS\ndef run(ctx): return 2 * ctx.a\n"
)
NO_RIGHT = "insufficient privileges"


def denied(sql: str) -> Step:
    """A statement for which ``$USER`` has no right."""
    return fails(sql, "42500", NO_RIGHT, "USER")


def needs(group: str, privilege: str, sql: str, *setup: Step) -> SqlCase:
    """A statement that fails before a GRANT, works after it, and fails again after a REVOKE."""
    steps = (
        *works_with(group, privilege, sql, *setup).steps,
        Step(f"REVOKE {privilege} FROM $USER"),
        denied(sql),
    )
    return SqlCase(group, f"{privilege}: {sql}", steps)


def works_with(group: str, privilege: str, sql: str, *setup: Step) -> SqlCase:
    """A statement that works once, and only after a GRANT."""
    granted = (Step(f"GRANT {privilege} TO $USER"), Step(sql, by="USER"))
    return SqlCase(group, f"{privilege}: {sql}", (*TABLE, *setup, denied(sql), *granted))


CASES = [
    needs(OBJECTS, "SELECT ON T", "SELECT A FROM $SCHEMA.T"),
    needs(OBJECTS, "INSERT ON T", "INSERT INTO $SCHEMA.T VALUES (3)"),
    needs(OBJECTS, "UPDATE ON T", "UPDATE $SCHEMA.T SET A = 4"),
    needs(OBJECTS, "DELETE ON T", "DELETE FROM $SCHEMA.T"),
    needs(OBJECTS, "SELECT ON SCHEMA $SCHEMA", "SELECT A FROM $SCHEMA.T"),
    needs(OBJECTS, "SELECT ANY TABLE", "SELECT A FROM $SCHEMA.T"),
    needs(
        OBJECTS,
        "SELECT ON V",
        "SELECT A FROM $SCHEMA.V",
        Step("CREATE VIEW V AS SELECT A FROM T"),
    ),
    SqlCase(
        OBJECTS,
        "a view reads with the rights of its schema's owner",
        (
            *TABLE,
            Step("CREATE VIEW V AS SELECT SUM(A) AS S FROM T"),
            Step("GRANT SELECT ON V TO $USER"),
            Step("SELECT S FROM $SCHEMA.V", [("3",)], "USER"),
            denied("SELECT A FROM $SCHEMA.T"),
        ),
    ),
    SqlCase(
        OBJECTS,
        "a statement needs every right that it uses",
        (
            *TABLE,
            Step("GRANT INSERT ON T TO $USER"),
            denied("INSERT INTO $SCHEMA.T SELECT A FROM $SCHEMA.T"),
            Step("GRANT SELECT ON T TO $USER"),
            Step("INSERT INTO $SCHEMA.T SELECT A FROM $SCHEMA.T", 2, "USER"),
        ),
    ),
    SqlCase(
        OBJECTS,
        "CREATE OR REPLACE TABLE ends its grants",
        (
            *TABLE,
            Step("GRANT SELECT ON T TO $USER"),
            Step("SELECT A FROM $SCHEMA.T", by="USER"),
            Step("CREATE OR REPLACE TABLE T (A INT)"),
            denied("SELECT A FROM $SCHEMA.T"),
        ),
    ),
    SqlCase(
        OBJECTS,
        "who is not the owner grants nothing",
        (*TABLE, denied("GRANT SELECT ON $SCHEMA.T TO PUBLIC")),
    ),
    SqlCase(
        OBJECTS,
        "tables without a right are not in EXA_ALL_TABLES",
        (
            *TABLE,
            Step(
                "SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = '$SCHEMA'", [], "USER"
            ),
            Step("GRANT SELECT ON T TO $USER"),
            Step(
                "SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = '$SCHEMA'",
                [("T",)],
                "USER",
            ),
        ),
    ),
    needs(SCRIPTS, "EXECUTE ON F", "SELECT $SCHEMA.F(1)", UDF),
    needs(SCRIPTS, "EXECUTE ON SCHEMA $SCHEMA", "SELECT $SCHEMA.F(1)", UDF),
    needs(SCRIPTS, "EXECUTE ANY SCRIPT", "SELECT $SCHEMA.F(1)", UDF),
    needs(SCRIPTS, "EXECUTE ON L", "EXECUTE SCRIPT $SCHEMA.L()", lua("output(1)")),
    SqlCase(
        SCRIPTS,
        "a Lua script runs with the rights of its caller",
        (
            *TABLE,
            lua("output(query([[SELECT SUM(A) AS S FROM $SCHEMA.T]])[1].S)"),
            Step("GRANT EXECUTE ON L TO $USER"),
            denied("EXECUTE SCRIPT $SCHEMA.L() WITH OUTPUT"),
            Step("GRANT SELECT ON T TO $USER"),
            Step("EXECUTE SCRIPT $SCHEMA.L() WITH OUTPUT", [("3",)], "USER"),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "import_script needs EXECUTE on what it imports",
        (
            Step("CREATE PYTHON3 SCALAR SCRIPT LIB () RETURNS INT AS\nSEVEN = 7\n"),
            Step(
                "CREATE PYTHON3 SCALAR SCRIPT G () RETURNS INT AS\n"
                "lib = exa.import_script('$SCHEMA.LIB')\ndef run(ctx): return lib.SEVEN\n"
            ),
            Step("GRANT EXECUTE ON G TO $USER"),
            fails("SELECT $SCHEMA.G()", "22002", NO_RIGHT, "USER"),
            Step("GRANT EXECUTE ON LIB TO $USER"),
            Step("SELECT $SCHEMA.G()", [(7,)], "USER"),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "CREATE OR REPLACE SCRIPT ends its grants",
        (
            UDF,
            Step("GRANT EXECUTE ON F TO $USER"),
            Step("SELECT $SCHEMA.F(1)", [(2,)], "USER"),
            Step(UDF.sql.replace("CREATE", "CREATE OR REPLACE", 1)),
            denied("SELECT $SCHEMA.F(1)"),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "a grant on the schema outlives CREATE OR REPLACE SCRIPT",
        (
            UDF,
            Step("GRANT EXECUTE ON SCHEMA $SCHEMA TO $USER"),
            Step(UDF.sql.replace("CREATE", "CREATE OR REPLACE", 1)),
            Step("SELECT $SCHEMA.F(1)", [(2,)], "USER"),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "a script with a right is in EXA_ALL_SCRIPTS",
        (
            UDF,
            Step(
                "SELECT COUNT(*) FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = '$SCHEMA'",
                [(0,)],
                "USER",
            ),
            Step("GRANT EXECUTE ON F TO $USER"),
            Step(
                "SELECT COUNT(*) FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = '$SCHEMA'",
                [(1,)],
                "USER",
            ),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "a UDF inside a view needs no right of the reader",
        (
            UDF,
            Step("CREATE VIEW V AS SELECT F(21) AS R"),
            Step("GRANT SELECT ON V TO $USER"),
            Step("SELECT R FROM $SCHEMA.V", [(42,)], "USER"),
            denied("SELECT $SCHEMA.F(21)"),
        ),
    ),
    SqlCase(
        SCRIPTS,
        "a connection needs a right",
        (
            Step("CREATE CONNECTION $CONNECTION TO 'x' USER 'u' IDENTIFIED BY 'geheim'"),
            Step(
                "CREATE PYTHON3 SCALAR SCRIPT G () RETURNS VARCHAR(99) AS\n"
                "def run(ctx): return exa.get_connection('$CONNECTION').user\n"
            ),
            Step("GRANT EXECUTE ON G TO $USER"),
            fails("SELECT $SCHEMA.G()", "22002", NO_RIGHT, "USER"),
            Step("GRANT ACCESS ANY CONNECTION TO $USER"),
            Step("SELECT $SCHEMA.G()", [("u",)], "USER"),
        ),
    ),
    SqlCase(
        ROLES,
        "a role gives its rights at once and takes them at once",
        (
            *TABLE,
            Step("GRANT SELECT ON T TO $ROLE"),
            denied("SELECT A FROM $SCHEMA.T"),
            Step("GRANT $ROLE TO $USER"),
            Step("SELECT COUNT(*) FROM $SCHEMA.T", [(2,)], "USER"),
            Step("REVOKE $ROLE FROM $USER"),
            denied("SELECT A FROM $SCHEMA.T"),
        ),
    ),
    SqlCase(
        ROLES,
        "dropping a role takes its rights",
        (
            *TABLE,
            Step("GRANT SELECT ON T TO $ROLE"),
            Step("GRANT $ROLE TO $USER"),
            Step("SELECT COUNT(*) FROM $SCHEMA.T", [(2,)], "USER"),
            Step("DROP ROLE $ROLE"),
            denied("SELECT A FROM $SCHEMA.T"),
        ),
    ),
    SqlCase(
        ROLES,
        "a right of PUBLIC is everybody's",
        (
            *TABLE,
            Step("GRANT SELECT ON T TO PUBLIC"),
            Step("SELECT COUNT(*) FROM $SCHEMA.T", [(2,)], "USER"),
        ),
    ),
    SqlCase(
        ROLES,
        "who holds the role that owns a schema owns it",
        (
            *TABLE,
            Step("ALTER SCHEMA $SCHEMA CHANGE OWNER $ROLE"),
            denied("SELECT A FROM $SCHEMA.T"),
            Step("GRANT $ROLE TO $USER"),
            Step("SELECT COUNT(*) FROM $SCHEMA.T", [(2,)], "USER"),
            Step("GRANT SELECT ON $SCHEMA.T TO PUBLIC", by="USER"),
        ),
    ),
    SqlCase(
        ROLES,
        "a role may hold another role",
        (
            Step("CREATE ROLE $ROLE_OUTER"),
            *TABLE,
            Step("GRANT SELECT ON T TO $ROLE"),
            Step("GRANT $ROLE TO $ROLE_OUTER"),
            Step("GRANT $ROLE_OUTER TO $USER"),
            Step("SELECT COUNT(*) FROM $SCHEMA.T", [(2,)], "USER"),
            Step("DROP ROLE $ROLE_OUTER"),
            denied("SELECT A FROM $SCHEMA.T"),
        ),
    ),
    works_with(CREATING, "CREATE ANY TABLE", "CREATE TABLE $SCHEMA.MADE (A INT)"),
    works_with(CREATING, "CREATE ANY VIEW", "CREATE VIEW $SCHEMA.MADE AS SELECT 1 AS A"),
    works_with(CREATING, "CREATE ANY SCRIPT", "CREATE LUA SCRIPT $SCHEMA.MADE () AS\noutput(1)\n"),
    works_with(CREATING, "ALTER ANY TABLE", "ALTER TABLE $SCHEMA.T ADD COLUMN B INT"),
    works_with(CREATING, "DROP ANY TABLE", "DROP TABLE $SCHEMA.T"),
    SqlCase(
        CREATING,
        "CREATE SCRIPT counts in an own schema only",
        (
            Step("GRANT CREATE SCRIPT TO $USER"),
            fails("CREATE LUA SCRIPT $SCHEMA.MADE () AS\noutput(1)\n", "42500", NO_RIGHT, "USER"),
            Step("ALTER SCHEMA $SCHEMA CHANGE OWNER $USER"),
            Step("CREATE LUA SCRIPT $SCHEMA.MADE () AS\noutput(1)\n", by="USER"),
            Step("EXECUTE SCRIPT $SCHEMA.MADE() WITH OUTPUT", [("1",)], "USER"),
        ),
    ),
    SqlCase(
        CREATING,
        "CREATE TABLE counts in an own schema only",
        (
            Step("GRANT CREATE TABLE TO $USER"),
            denied("CREATE TABLE $SCHEMA.MADE (A INT)"),
            Step("ALTER SCHEMA $SCHEMA CHANGE OWNER $USER"),
            Step("CREATE TABLE $SCHEMA.MADE (A INT)", by="USER"),
        ),
    ),
    SqlCase(
        CREATING,
        "schemas, users, roles and connections need rights of the system",
        (
            denied("CREATE SCHEMA $USER"),
            denied('CREATE USER $ROLE_X IDENTIFIED BY "x"'),
            denied("CREATE ROLE $ROLE_X"),
            denied("CREATE CONNECTION $CONNECTION TO 'x'"),
            denied("DROP SCHEMA $SCHEMA CASCADE"),
            denied("ALTER SYSTEM SET QUERY_TIMEOUT = 7"),
        ),
    ),
]
