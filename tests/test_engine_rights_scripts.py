"""Whose rights hold inside views and scripts of the embedded engine, and what users see."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine_users import Users, denied, fails, rows


@pytest.fixture
def schema(connection: Any) -> str:
    """The test's schema with a table T (A) of two rows."""
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (1), (2)")
    return str(connection.current_schema())


# --- views ---------------------------------------------------------------------------------------


def test_a_view_reads_with_the_rights_of_its_owner(
    connection: Any, users: Users, schema: str
) -> None:
    connection.execute("CREATE VIEW V AS SELECT SUM(A) AS S FROM T")
    connection.execute(f"CREATE VIEW W AS SELECT S + 1 AS S1 FROM {schema}.V")
    name = users.user(f"SELECT ON {schema}.W")
    session = users.log_in(name)
    assert rows(session, f"SELECT * FROM {schema}.W") == [("4",)]
    denied(session, f"SELECT * FROM {schema}.V", "SELECT on view V")
    denied(session, f"SELECT * FROM {schema}.W, {schema}.T", "SELECT on table T")


def test_the_owner_of_a_view_must_be_able_to_read_and_to_lend(
    connection: Any, users: Users, schema: str
) -> None:
    owner = users.user("CREATE SCHEMA", "CREATE VIEW")
    reader = users.log_in(users.user())
    session = users.log_in(owner)
    session.execute(f"CREATE SCHEMA {owner}_S")
    text = f"CREATE VIEW V AS SELECT A FROM {schema}.T"
    denied(session, text, "SELECT on table T")
    connection.execute(f"GRANT SELECT ON {schema}.T TO {owner}")
    session.execute(text)
    assert rows(session, "SELECT SUM(A) FROM V") == [("3",)]
    session.execute("GRANT SELECT ON V TO PUBLIC")
    query = f"SELECT * FROM {owner}_S.V"
    denied(reader, query, f"SELECT on table T must be grantable for {owner}")
    connection.execute(f"GRANT SELECT ANY TABLE TO {owner}")
    assert len(rows(reader, query)) == 2
    connection.execute(f"REVOKE SELECT ANY TABLE FROM {owner}")
    connection.execute(f"REVOKE SELECT ON {schema}.T FROM {owner}")
    denied(reader, query, "SELECT on table T")


def test_who_creates_a_view_for_another_owner_need_not_read_it(
    connection: Any, users: Users, schema: str
) -> None:
    session = users.log_in(users.user("CREATE ANY VIEW"))
    session.execute(f"CREATE VIEW {schema}.V AS SELECT A FROM {schema}.T")
    denied(session, f"SELECT * FROM {schema}.V", "SELECT on view V")


# --- UDF scripts ---------------------------------------------------------------------------------

LIBRARY = "CREATE PYTHON3 SCALAR SCRIPT LIB () RETURNS INT AS\nX = 42\ndef run(ctx): return X\n"
IMPORTING = (
    "CREATE PYTHON3 SCALAR SCRIPT F () RETURNS VARCHAR(200) AS\n"
    "lib = exa.import_script('{s}.LIB')\n"
    "def run(ctx): return f'{{lib.X}} {{exa.meta.current_user}} {{exa.meta.scope_user}}'\n"
)


def test_import_script_needs_execute_and_a_view_its_owners(
    connection: Any, users: Users, schema: str
) -> None:
    connection.execute(LIBRARY)
    connection.execute(IMPORTING.format(s=schema))
    connection.execute("CREATE VIEW V AS SELECT F() AS R")
    name = users.user(f"EXECUTE ON {schema}.F", f"SELECT ON {schema}.V")
    session = users.log_in(name)
    message = fails(session, f"SELECT {schema}.F()", "22002", "E-EXALLM-LOCAL-44")
    assert f"insufficient privileges for executing script {schema}.LIB" in message
    assert rows(session, f"SELECT R FROM {schema}.V") == [(f"42 {name} SYS",)]
    both = f"SELECT R, {schema}.F() FROM {schema}.V"
    fails(session, both, "22002", "E-EXALLM-LOCAL-44")
    connection.execute(f"GRANT EXECUTE ON SCRIPT LIB TO {name}")
    assert rows(session, both) == [(f"42 {name} SYS", f"42 {name} {name}")]


def test_scripts_that_emit_need_execute_too(connection: Any, users: Users, schema: str) -> None:
    connection.execute(
        "CREATE PYTHON3 SET SCRIPT E (A INT) EMITS (B INT) AS\n"
        "def run(ctx):\n    ctx.emit(ctx.size())\n"
    )
    connection.execute("CREATE VIEW V AS SELECT E(A) FROM T")
    name = users.user(f"SELECT ON {schema}.T", f"SELECT ON {schema}.V")
    session = users.log_in(name)
    denied(session, f"SELECT {schema}.E(A) FROM {schema}.T", "for calling script")
    assert rows(session, f"SELECT B FROM {schema}.V") == [(2,)]
    connection.execute(f"GRANT EXECUTE ON SCHEMA {schema} TO {name}")
    assert rows(session, f"SELECT {schema}.E(A) FROM {schema}.T") == [(2,)]


def test_connections_are_for_who_may_access_them(
    connection: Any, users: Users, schema: str
) -> None:
    connection.execute(f"CREATE CONNECTION {schema}_C TO 'host' USER 'u' IDENTIFIED BY 'geheim'")
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT C () RETURNS VARCHAR(100) AS\n"
        f"def run(ctx): return exa.get_connection('{schema}_C').password\n"
    )
    name = users.user(f"EXECUTE ON {schema}.C")
    session = users.log_in(name)
    message = fails(session, f"SELECT {schema}.C()", "22002", "E-EXALLM-LOCAL-45")
    assert f"insufficient privileges for using connection {schema}_C" in message
    assert "geheim" not in message
    connection.execute(f"GRANT ACCESS ANY CONNECTION TO {name}")
    assert rows(session, f"SELECT {schema}.C()") == [("geheim",)]
    connection.execute(f"DROP CONNECTION {schema}_C")


# --- Lua scripts ---------------------------------------------------------------------------------


def test_a_lua_script_runs_with_the_rights_of_its_caller(
    connection: Any, users: Users, schema: str
) -> None:
    connection.execute(
        "CREATE LUA SCRIPT L () RETURNS TABLE AS\n"
        f"local ok, result = pquery([[SELECT SUM(A) AS S FROM {schema}.T]])\n"
        "local columns = 'A VARCHAR(200), B VARCHAR(200)'\n"
        "if not ok then return {{result.error_code, result.error_message}}, columns end\n"
        "return {{exa.meta.current_user, tostring(result[1].S)}}, columns\n"
    )
    name = users.user()
    session = users.log_in(name)
    denied(session, f"EXECUTE SCRIPT {schema}.L()", "for executing a script")
    connection.execute(f"GRANT EXECUTE ON SCRIPT L TO {name}")
    ((code, text),) = rows(session, f"EXECUTE SCRIPT {schema}.L()")
    assert (code, "SELECT on table T" in text) == ("42500", True)
    connection.execute(f"GRANT SELECT ON T TO {name}")
    assert rows(session, f"EXECUTE SCRIPT {schema}.L()") == [(name, "3")]


def test_lua_import_needs_execute(connection: Any, users: Users, schema: str) -> None:
    connection.execute("CREATE LUA SCRIPT LIB () AS\nfunction f() return 7 end")
    connection.execute(
        f"CREATE LUA SCRIPT L () RETURNS ROWCOUNT AS\nimport('{schema}.LIB', 'lib')\n"
        "exit({rows_affected = lib.f()})"
    )
    name = users.user(f"EXECUTE ON {schema}.L")
    session = users.log_in(name)
    fails(session, f"EXECUTE SCRIPT {schema}.L()", "42500", "for executing a script")
    connection.execute(f"GRANT EXECUTE ON SCRIPT LIB TO {name}")
    assert session.execute(f"EXECUTE SCRIPT {schema}.L()").rowcount() == 7


def test_a_script_grants_and_uses_the_grant_at_once(connection: Any, users: Users) -> None:
    name = users.user()
    connection.execute(
        "CREATE LUA SCRIPT L (R) AS\n"
        "query([[CREATE ROLE ::r]], {r = quote(R)})\n"
        'query([[COMMENT ON ROLE ::r IS :c]], {r = quote(R), c = "it\'s new"})\n'
        "query([[GRANT ::r TO " + name + "]], {r = quote(R)})\n"
    )
    role = f"{name}_R"
    connection.execute(f"EXECUTE SCRIPT L('{role}')")
    try:
        found = rows(users.log_in(name), "SELECT ROLE_NAME, ROLE_COMMENT FROM EXA_SESSION_ROLES")
        assert sorted(found) == [("PUBLIC", None), (role, "it's new")]
    finally:
        connection.execute(f"DROP ROLE {role}")


# --- what users see ------------------------------------------------------------------------------


def test_the_system_tables_show_what_a_user_has_rights_on(
    connection: Any, users: Users, schema: str
) -> None:
    connection.execute("CREATE TABLE U (B INT)")
    connection.execute("CREATE VIEW V AS SELECT A FROM T")
    connection.execute("CREATE LUA SCRIPT L () AS return")
    role = users.role(f"EXECUTE ON {schema}.L")
    name = users.user(role, f"INSERT ON {schema}.T")
    session = users.log_in(name)
    here = f"WHERE ROOT_NAME = '{schema}' ORDER BY 1"
    objects = f"SELECT OBJECT_NAME FROM EXA_ALL_OBJECTS {here}"
    assert rows(session, objects) == [("L",), ("T",)]
    columns = f"SELECT COLUMN_NAME FROM EXA_ALL_COLUMNS WHERE COLUMN_SCHEMA = '{schema}'"
    assert rows(session, columns) == [("A",)]
    scripts = f"SELECT SCRIPT_NAME FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = '{schema}'"
    assert rows(session, scripts) == [("L",)]
    views = f"SELECT VIEW_NAME FROM EXA_ALL_VIEWS WHERE VIEW_SCHEMA = '{schema}'"
    assert rows(session, views) == []
    connection.execute(f"GRANT SELECT ON SCHEMA {schema} TO {name}")
    assert rows(session, views) == [("V",)]
    assert rows(session, objects) == [("L",), ("T",), ("U",), ("V",)]
    assert rows(session, "SELECT COUNT(*) FROM EXA_USER_OBJECTS") == [(0,)]
    assert rows(connection, objects) == [("L",), ("T",), ("U",), ("V",)]


def test_the_system_tables_of_users_and_rights(connection: Any, users: Users, schema: str) -> None:
    role = users.role("CREATE VIEW", f"SELECT ON {schema}.T", f"USAGE ON SCHEMA {schema}")
    name = users.user(role, "CREATE TABLE", f"INSERT ON {schema}.T")
    session = users.log_in(name)
    assert rows(session, "SELECT USER_NAME FROM EXA_USER_USERS") == [(name,)]
    both = f"SELECT USER_NAME FROM EXA_ALL_USERS WHERE USER_NAME IN ('SYS', '{name}') ORDER BY 1"
    assert rows(session, both) == [("SYS",), (name,)]
    assert rows(session, f"SELECT ROLE_NAME FROM EXA_ALL_ROLES WHERE ROLE_NAME = '{role}'") == [
        (role,)
    ]
    assert rows(session, "SELECT * FROM EXA_USER_ROLE_PRIVS") == [(name, role, False)]
    assert rows(session, "SELECT PRIVILEGE FROM EXA_USER_SYS_PRIVS ORDER BY 1") == [
        ("CREATE SESSION",),
        ("CREATE TABLE",),
    ]
    assert rows(session, "SELECT * FROM EXA_ROLE_SYS_PRIVS ORDER BY 1 DESC") == [
        (role, "CREATE VIEW", False),
        ("PUBLIC", "USE ANY SCHEMA", False),
    ]
    assert rows(session, "SELECT * FROM EXA_ROLE_ROLE_PRIVS") == []
    assert rows(session, "SELECT * FROM EXA_USER_OBJ_PRIVS") == [
        (schema, "T", "TABLE", "INSERT", name, "SYS", "SYS")
    ]
    expected = [
        (None, schema, "SCHEMA", "USAGE", role, "SYS", "SYS"),
        (schema, "T", "TABLE", "SELECT", role, "SYS", "SYS"),
    ]
    assert rows(session, "SELECT * FROM EXA_ROLE_OBJ_PRIVS ORDER BY OBJECT_TYPE") == expected
    assert len(rows(session, "SELECT * FROM EXA_ALL_OBJ_PRIVS")) == 3
    assert rows(session, "SELECT PRIVILEGE FROM EXA_SESSION_PRIVS ORDER BY 1") == [
        ("CREATE SESSION",),
        ("CREATE TABLE",),
        ("CREATE VIEW",),
        ("USE ANY SCHEMA",),
    ]
    dba = (
        "SELECT PRIVILEGE, GRANTEE FROM EXA_DBA_OBJ_PRIVS"
        f" WHERE OBJECT_NAME = 'T' AND OBJECT_SCHEMA = '{schema}' ORDER BY 1"
    )
    assert rows(connection, dba) == [("INSERT", name), ("SELECT", role)]
    for table in ("USERS", "ROLES", "SYS_PRIVS", "OBJ_PRIVS", "ROLE_PRIVS", "OBJECTS", "SCRIPTS"):
        denied(session, f"SELECT * FROM EXA_DBA_{table}", f"SELECT on table EXA_DBA_{table}")


def test_names_with_quotes_do_not_break_the_system_tables(connection: Any, users: Users) -> None:
    odd = "it's \"odd\" '; --"
    quoted = '"' + odd.replace('"', '""') + '"'
    connection.execute(f"CREATE SCHEMA {quoted}")
    try:
        connection.execute(f"CREATE TABLE {quoted} (A INT)")
        session = users.log_in(users.user(f"SELECT ON {quoted}.{quoted}"))
        found = "SELECT TABLE_SCHEMA, TABLE_NAME FROM EXA_ALL_TABLES"
        assert rows(session, found) == [(odd, odd)]
    finally:
        connection.execute(f"DROP SCHEMA {quoted} CASCADE")
