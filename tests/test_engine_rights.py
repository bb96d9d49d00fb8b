"""Users, roles and rights of the embedded engine, over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from exallm.local.sql.rights import OBJECT_PRIVILEGES, SYSTEM_PRIVILEGES
from tests.conftest import connect_to
from tests.engine_users import Users, denied, fails, rows

F = (
    "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT F (A INT) RETURNS INT AS\n"
    "def run(ctx):\n    return ctx.A * 2\n"
)


@pytest.fixture
def schema(connection: Any) -> str:
    """The test's schema with a table T (A) of two rows, a view V on it, and scripts."""
    connection.execute("CREATE TABLE T (A INT)")
    connection.execute("INSERT INTO T VALUES (1), (2)")
    connection.execute("CREATE VIEW V AS SELECT SUM(A) AS S FROM T")
    connection.execute(F)
    schema = str(connection.current_schema())
    connection.execute(f"CREATE LUA SCRIPT L () AS query([[INSERT INTO {schema}.T VALUES (9)]])")
    return schema


# --- privileges on objects -----------------------------------------------------------------------

USES = [
    ("SELECT ON T", "SELECT A FROM {s}.T", ": SELECT on table T"),
    ("SELECT ON V", "SELECT S FROM {s}.V", ": SELECT on view V"),
    ("INSERT ON T", "INSERT INTO {s}.T VALUES (3)", ": INSERT on table T"),
    ("UPDATE ON T", "UPDATE {s}.T SET A = 4", ": UPDATE on table T"),
    ("DELETE ON T", "DELETE FROM {s}.T", ": DELETE on table T"),
    ("DELETE ON T", "TRUNCATE TABLE {s}.T", ": DELETE on table T"),
    ("ALTER ON T", "ALTER TABLE {s}.T ADD COLUMN B INT", ": ALTER on table T"),
    ("ALTER ON T", "COMMENT ON TABLE {s}.T IS 'x'", ": ALTER on table T"),
    ("EXECUTE ON F", "SELECT {s}.F(1)", " for calling script"),
]


@pytest.mark.parametrize(("privilege", "sql", "text"), USES, ids=[f"{p}: {q}" for p, q, _ in USES])
@pytest.mark.parametrize("on", ["object", "schema", "everywhere", "role"])
def test_each_use_needs_its_privilege_and_nothing_more(
    connection: Any, users: Users, schema: str, privilege: str, sql: str, text: str, on: str
) -> None:
    role = users.role()
    name = users.user(role)
    session = users.log_in(name)
    denied(session, sql.format(s=schema), f"insufficient privileges{text}")
    verb, _, thing = privilege.partition(" ON ")
    grant = {
        "object": f"GRANT {verb} ON {schema}.{thing} TO {name}",
        "schema": f"GRANT {verb} ON SCHEMA {schema} TO {name}",
        "everywhere": f"GRANT {verb} ANY {'SCRIPT' if thing == 'F' else 'TABLE'} TO {name}",
        "role": f"GRANT {verb} ON {schema}.{thing} TO {role}",
    }[on]
    connection.execute(grant)
    session.execute(sql.format(s=schema))
    for other, unrelated, words in USES:
        if not other.startswith(verb):
            denied(session, unrelated.format(s=schema), words)
    connection.execute(grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
    denied(session, sql.format(s=schema), text)


def test_all_grants_what_the_kind_has(connection: Any, users: Users, schema: str) -> None:
    name = users.user()
    objects = {
        "SCHEMA": schema,
        "TABLE": f"{schema}.T",
        "VIEW": f"{schema}.V",
        "SCRIPT": f"{schema}.F",
    }
    for kind, thing in objects.items():
        connection.execute(f"GRANT ALL ON {kind} {thing} TO {name}")
        found = rows(
            connection,
            "SELECT PRIVILEGE FROM EXA_DBA_OBJ_PRIVS"
            f" WHERE GRANTEE = '{name}' AND OBJECT_TYPE = '{kind}' ORDER BY 1",
        )
        assert tuple(privilege for (privilege,) in found) == OBJECT_PRIVILEGES[kind]
        connection.execute(f"REVOKE ALL ON {kind} {thing} FROM {name}")
    left = f"SELECT COUNT(*) FROM EXA_DBA_OBJ_PRIVS WHERE GRANTEE = '{name}'"
    assert rows(connection, left) == [(0,)]


def test_a_statement_needs_every_right_that_it_uses(
    connection: Any, users: Users, schema: str
) -> None:
    name = users.user(f"INSERT ON {schema}.T", f"SELECT ON {schema}.V")
    session = users.log_in(name)
    denied(session, f"INSERT INTO {schema}.T SELECT A FROM {schema}.T", "SELECT on table T")
    session.execute(f"INSERT INTO {schema}.T SELECT S FROM {schema}.V")
    denied(session, f"SELECT 1 WHERE 1 IN (SELECT A FROM {schema}.T)", "SELECT on table T")
    denied(session, f"WITH W AS (SELECT * FROM {schema}.T) SELECT 1 FROM W", "SELECT on table T")
    denied(session, f"SELECT S FROM {schema}.V UNION SELECT A FROM {schema}.T", "SELECT on table T")
    denied(session, f"SELECT S FROM {schema}.V WHERE {schema}.F(1) = 2", "for calling script")
    merge = (
        f"MERGE INTO {schema}.T USING {schema}.V ON T.A = V.S"
        " WHEN MATCHED THEN UPDATE SET A = 7 WHEN NOT MATCHED THEN INSERT VALUES (8)"
    )
    denied(session, merge, "UPDATE on table T")
    connection.execute(f"GRANT UPDATE ON {schema}.T TO {name}")
    session.execute(merge)


def test_rights_are_those_of_the_users_and_roles_at_the_time(
    connection: Any, users: Users, schema: str
) -> None:
    outer = users.role()
    inner = users.role(f"SELECT ON {schema}.T")
    name = users.user()
    session = users.log_in(name)
    query = f"SELECT COUNT(*) FROM {schema}.T"
    connection.execute(f"GRANT {inner} TO {outer}")
    denied(session, query, "SELECT on table T")
    connection.execute(f"GRANT {outer} TO {name}")
    assert rows(session, query) == [(2,)]
    fails(connection, f"GRANT {outer} TO {inner}", "42000", "circular role grant")
    fails(connection, f"GRANT {inner} TO {inner}", "42000", "circular role grant")
    connection.execute(f"DROP ROLE {outer}")
    denied(session, query, "SELECT on table T")
    connection.execute(f"GRANT {inner} TO PUBLIC")
    assert rows(session, query) == [(2,)]
    connection.execute(f"REVOKE {inner} FROM PUBLIC")
    denied(session, query, "SELECT on table T")


def test_or_replace_and_drop_end_the_grants_on_an_object(
    connection: Any, users: Users, schema: str
) -> None:
    name = users.user(
        *(f"SELECT ON {thing}" for thing in ("T", "V")), "EXECUTE ON F", "EXECUTE ON L"
    )
    count = f"SELECT COUNT(*) FROM EXA_DBA_OBJ_PRIVS WHERE GRANTEE = '{name}'"
    assert rows(connection, count) == [(4,)]
    connection.execute("CREATE OR REPLACE VIEW V AS SELECT 1 AS S")
    connection.execute(F)
    connection.execute("CREATE OR REPLACE LUA SCRIPT L () AS return")
    assert rows(connection, count) == [(1,)]
    connection.execute("CREATE OR REPLACE TABLE T AS SELECT 1 AS A")
    assert rows(connection, count) == [(0,)]
    connection.execute(f"GRANT SELECT ON T TO {name}")
    connection.execute("CREATE OR REPLACE TABLE T (A INT)")
    assert rows(connection, count) == [(0,)]
    session = users.log_in(name)
    denied(session, f"SELECT * FROM {schema}.T", "SELECT on table T")
    connection.execute(f"GRANT SELECT, INSERT ON TABLE T TO {name}")
    connection.execute("DROP TABLE T")
    connection.execute("CREATE TABLE T (A INT)")
    denied(session, f"INSERT INTO {schema}.T VALUES (1)", "INSERT on table T")


# --- schemas, owners and new objects -------------------------------------------------------------


def test_without_usage_a_schema_is_not_there(connection: Any, users: Users, schema: str) -> None:
    name = users.user()
    session = users.log_in(name)
    connection.execute("REVOKE USE ANY SCHEMA FROM PUBLIC")
    try:
        for sql in (
            f"SELECT * FROM {schema}.T",
            f"SELECT * FROM {schema}.NOSUCH",
            f"OPEN SCHEMA {schema}",
            f"INSERT INTO {schema}.V VALUES (1)",
            f"DROP TABLE {schema}.T",
            f"CREATE TABLE {schema}.X (A INT)",
            f"GRANT SELECT ON {schema}.T TO PUBLIC",
        ):
            fails(session, sql, "42000", f"schema {schema} not found")
        fails(session, f"SELECT {schema}.F(1)", "42000", "not found")
        fails(session, f"COMMENT ON TABLE {schema}.T IS 'x'", "42000", "table T not found")
        fails(session, f"EXECUTE SCRIPT {schema}.L()", "42000", "not found")
        assert rows(session, "SELECT * FROM EXA_SCHEMAS") == []
        connection.execute(f"GRANT SELECT ON {schema}.T TO {name}")
        text = f"SELECT on table T: USAGE on schema {schema} needed."
        denied(session, f"SELECT * FROM {schema}.T", f"insufficient privileges for {text}")
        assert rows(session, "SELECT TABLE_NAME FROM EXA_ALL_TABLES") == []
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
        assert rows(session, f"SELECT COUNT(*) FROM {schema}.T") == [(2,)]
        assert rows(session, "SELECT SCHEMA_NAME FROM EXA_SCHEMAS") == [(schema,)]
        denied(session, f"SELECT * FROM {schema}.V", ": SELECT on view V")
    finally:
        connection.execute("GRANT USE ANY SCHEMA TO PUBLIC")


def test_like_does_not_tell_what_a_hidden_schema_has(
    connection: Any, users: Users, schema: str
) -> None:
    session = users.log_in(users.user("CREATE SCHEMA", "CREATE TABLE"))
    session.execute(f"CREATE SCHEMA {session.options['user']}_S")
    connection.execute("REVOKE USE ANY SCHEMA FROM PUBLIC")
    try:
        for name in ("T", "NOSUCH"):
            like = f"CREATE TABLE X LIKE {schema}.{name}"
            fails(session, like, "42000", f"schema {schema} not found")
    finally:
        connection.execute("GRANT USE ANY SCHEMA TO PUBLIC")


NEW = [
    ("TABLE", "CREATE TABLE {s}.X (A INT)"),
    ("TABLE", "CREATE TABLE {s}.X AS SELECT 1 AS A"),
    ("VIEW", "CREATE VIEW {s}.X AS SELECT 1 AS A"),
    ("SCRIPT", "CREATE LUA SCRIPT {s}.X () AS return"),
    ("SCRIPT", "CREATE PYTHON3 SCALAR SCRIPT {s}.X () RETURNS INT AS\ndef run(ctx): return 1\n"),
]


@pytest.mark.parametrize(("kind", "sql"), NEW)
def test_creating_replacing_and_dropping(
    connection: Any, users: Users, schema: str, kind: str, sql: str
) -> None:
    creator = users.log_in(users.user(f"CREATE ANY {kind}"))
    create, replace_ = (
        sql.format(s=schema),
        sql.format(s=schema).replace("CREATE", "CREATE OR REPLACE", 1),
    )
    other = users.user(f"CREATE {kind}")
    stranger = users.log_in(other)
    denied(stranger, create, f"for creating {kind.lower()}")
    creator.execute(create)
    denied(creator, replace_, f"for replacing {kind.lower()}")
    denied(creator, f"DROP {kind} {schema}.X", f"for dropping {kind.lower()}")
    connection.execute(f"GRANT DROP ANY {kind} TO {creator.options['user']}")
    creator.execute(replace_)
    creator.execute(f"DROP {kind} {schema}.X")
    connection.execute(f"ALTER SCHEMA {schema} CHANGE OWNER {other}")
    stranger.execute(create)
    stranger.execute(replace_)
    stranger.execute(f"DROP {kind} {schema}.X")
    connection.execute(f"REVOKE CREATE {kind} FROM {other}")
    denied(stranger, create, f"for creating {kind.lower()}")


def test_an_owner_may_everything_in_the_schema_and_grants_it(users: Users) -> None:
    owner = users.log_in(users.user("CREATE SCHEMA", "CREATE TABLE"))
    reader = users.user()
    own = f"{owner.options['user']}_S"
    owner.execute(f"CREATE SCHEMA {own}")
    owner.execute("CREATE TABLE T (A INT)")
    owner.execute("INSERT INTO T VALUES (1)")
    owner.execute("COMMENT ON TABLE T IS 'mine'")
    session = users.log_in(reader)
    denied(session, f"DROP SCHEMA {own} CASCADE", "for dropping schema")
    denied(session, f"GRANT SELECT ON {own}.T TO {reader}", "not grantable")
    denied(session, f"SELECT * FROM {own}.T", "SELECT on table T")
    owner.execute(f"GRANT SELECT ON T TO {reader}")
    assert rows(session, f"SELECT * FROM {own}.T") == [(1,)]
    denied(session, f"GRANT SELECT ON {own}.T TO PUBLIC", "not grantable")
    denied(owner, f"ALTER SCHEMA {own} CHANGE OWNER {reader}", "for altering schema")
    owner.execute(f"DROP SCHEMA {own} CASCADE")
    denied(session, "CREATE SCHEMA NEW_ONE", "for creating schema")


def test_who_holds_the_role_that_owns_a_schema_owns_it(
    connection: Any, users: Users, schema: str
) -> None:
    role = users.role("CREATE SCRIPT")
    member = users.log_in(users.user(role))
    connection.execute(f"ALTER SCHEMA {schema} CHANGE OWNER {role}")
    assert rows(
        connection, f"SELECT SCHEMA_OWNER FROM EXA_SCHEMAS WHERE SCHEMA_NAME = '{schema}'"
    ) == [(role,)]
    member.execute(f"OPEN SCHEMA {schema}")
    member.execute("UPDATE T SET A = 5")
    member.execute("CREATE OR REPLACE LUA SCRIPT L () AS return")
    member.execute("GRANT EXECUTE ON SCRIPT L TO PUBLIC")
    stranger = users.log_in(users.user())
    stranger.execute(f"EXECUTE SCRIPT {schema}.L()")
    fails(connection, f"DROP ROLE {role}", "42000", f"role {role} owns schema {schema}")
    connection.execute(f"ALTER SCHEMA {schema} CHANGE OWNER SYS")
    denied(member, "SELECT * FROM T", "SELECT on table T")


def test_drop_user_cascade_drops_the_schemas(connection: Any, users: Users) -> None:
    name = users.user("CREATE SCHEMA")
    session = users.log_in(name)
    session.execute(f"CREATE SCHEMA {name}_S")
    fails(connection, f"DROP USER {name}", "42000", f"user {name} owns schema {name}_S")
    connection.execute(f"DROP USER {name} CASCADE")
    schemas = f"SELECT COUNT(*) FROM EXA_SCHEMAS WHERE SCHEMA_OWNER = '{name}'"
    assert rows(connection, schemas) == [(0,)]
    denied(session, f"CREATE SCHEMA {name}_S", "for creating schema")
    with pytest.raises(pyexasol.ExaAuthError):
        users.log_in(name)


SYSTEM_STATEMENTS = [
    ("CREATE USER", 'CREATE USER {n} IDENTIFIED BY "x"', "for creating user"),
    ("CREATE ROLE", "CREATE ROLE {n}", "for creating role"),
    ("DROP USER", "DROP USER IF EXISTS {n}", "for dropping user"),
    ("DROP ANY ROLE", "DROP ROLE IF EXISTS {n}", "for dropping role"),
    ("ALTER USER", 'ALTER USER {u} IDENTIFIED BY "x"', "for altering user"),
    ("ALTER ANY SCHEMA", "ALTER SCHEMA {s} CHANGE OWNER SYS", "for altering schema"),
    ("ALTER SYSTEM", "ALTER SYSTEM SET QUERY_TIMEOUT = '0'", "for altering system"),
    ("GRANT ANY PRIVILEGE", "GRANT CREATE SESSION TO {u}", "CREATE SESSION is not grantable"),
    ("GRANT ANY PRIVILEGE", "REVOKE CREATE TABLE FROM {u}", "CREATE TABLE is not grantable"),
    ("GRANT ANY ROLE", "GRANT {r} TO {u}", "is not grantable"),
    ("GRANT ANY OBJECT PRIVILEGE", "GRANT SELECT ON {s}.T TO {u}", "are not grantable"),
    ("CREATE CONNECTION", "CREATE CONNECTION {n} TO 'x'", "for creating connection"),
    ("DROP ANY CONNECTION", "DROP CONNECTION IF EXISTS {n}", "for dropping connection"),
    ("CREATE ROLE", "COMMENT ON ROLE {r} IS 'x'", "for commenting on role"),
    ("SELECT ANY DICTIONARY", "SELECT * FROM EXA_DBA_USERS", ": SELECT on table EXA_DBA_USERS"),
    ("SELECT ANY DICTIONARY", "SELECT * FROM SYS.EXA_DBA_TABLES", "SELECT on table EXA_DBA_TABLES"),
]


@pytest.mark.parametrize(("privilege", "sql", "words"), SYSTEM_STATEMENTS)
def test_each_system_privilege_lets_one_thing_pass(
    connection: Any, users: Users, schema: str, privilege: str, sql: str, words: str
) -> None:
    others = SYSTEM_PRIVILEGES - {privilege, "CREATE SESSION", "USE ANY SCHEMA"}
    name = users.user()
    session = users.log_in(name)
    new = f"{name}_NEW"
    statement = sql.format(n=new, s=schema, u=users.user(), r=users.role())
    connection.execute(f"GRANT {', '.join(sorted(others))} TO {name}")
    denied(session, statement, words)
    connection.execute(f"REVOKE ALL PRIVILEGES FROM {name}")
    connection.execute(f"GRANT {privilege} TO {name}")
    session.execute(statement)
    for cleaning in (f"DROP USER IF EXISTS {new}", f"DROP ROLE IF EXISTS {new}"):
        connection.execute(cleaning)
    connection.execute(f"DROP CONNECTION IF EXISTS {new}")


def test_with_admin_option_is_needed_to_hand_on(connection: Any, users: Users) -> None:
    one, two, role = users.user(), users.user(), users.role()
    session = users.log_in(one)
    connection.execute(f"GRANT CREATE TABLE TO {one}")
    connection.execute(f"GRANT {role} TO {one}")
    denied(session, f"GRANT CREATE TABLE TO {two}", "CREATE TABLE is not grantable")
    denied(session, f"GRANT {role} TO {two}", f"role {role} is not grantable")
    connection.execute(f"GRANT CREATE TABLE TO {one} WITH ADMIN OPTION")
    connection.execute(f"GRANT {role} TO {one} WITH ADMIN OPTION")
    session.execute(f"GRANT CREATE TABLE TO {two}")
    session.execute(f"GRANT {role} TO {two}")
    option = "SELECT ADMIN_OPTION FROM {} WHERE GRANTEE = '{}' AND {} = '{}'"
    for name, admin in ((one, True), (two, False)):
        system = option.format("EXA_DBA_SYS_PRIVS", name, "PRIVILEGE", "CREATE TABLE")
        assert rows(connection, system) == [(admin,)]
        roles = option.format("EXA_DBA_ROLE_PRIVS", name, "GRANTED_ROLE", role)
        assert rows(connection, roles) == [(admin,)]
    session.execute(f"DROP ROLE {role}")


def test_a_dba_may_everything(connection: Any, users: Users, schema: str) -> None:
    session = users.log_in(users.user("DBA"))
    session.execute(f"DELETE FROM {schema}.T")
    session.execute(f"EXECUTE SCRIPT {schema}.L()")
    assert rows(session, f"SELECT A, {schema}.F(A) FROM {schema}.T") == [(9, 18)]
    listed = rows(session, "SELECT PRIVILEGE FROM EXA_DBA_SYS_PRIVS WHERE GRANTEE = 'DBA'")
    assert {privilege for (privilege,) in listed} == SYSTEM_PRIVILEGES
    fails(connection, "REVOKE DBA FROM SYS", "42000", "cannot be revoked")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("GRANT SELECT ON NOSUCH TO {u}", "object NOSUCH not found"),
        ("GRANT SELECT ON VIEW {s}.T TO {u}", "T not found"),
        ("GRANT SELECT ON SCHEMA NOSUCH TO {u}", "schema NOSUCH not found"),
        ("GRANT SELECT ON T TO NOSUCH", "user or role NOSUCH not found"),
        ("GRANT NOSUCH TO {u}", "role NOSUCH not found"),
        ("GRANT {u} TO {u}", "not found"),
        ("GRANT CREATE SESSION TO NOSUCH", "user or role NOSUCH not found"),
        ("GRANT EXECUTE ON T TO {u}", "privilege EXECUTE cannot be granted on a table"),
        ("GRANT INSERT ON V TO {u}", "privilege INSERT cannot be granted on a view"),
        ("GRANT SELECT, ALL ON T TO {u}", "ALL stands alone"),
        ("GRANT CREATE TABLE, DBA TO {u}", "either system privileges or roles"),
        ("GRANT SELECT ON T", "expected TO"),
        ("GRANT ON T TO {u}", "expected a privilege"),
        ("GRANT SELECT ON T FROM {u}", "expected TO"),
        ("REVOKE SELECT ON T TO {u}", "expected FROM"),
        ("GRANT SELECT ON T TO {u} WITH ADMIN OPTION", "expected the end"),
        ("ALTER SCHEMA NOSUCH CHANGE OWNER {u}", "schema NOSUCH not found"),
        ("ALTER SCHEMA {s} CHANGE OWNER NOSUCH", "user or role NOSUCH not found"),
        ("COMMENT ON USER NOSUCH IS 'x'", "user NOSUCH not found"),
        ('CREATE USER "" IDENTIFIED BY "x"', "syntax error"),
        ("CREATE USER X", "expected IDENTIFIED"),
        ("CREATE OR REPLACE ROLE X", "ROLE"),
    ],
)
def test_grants_that_mean_nothing(
    connection: Any, users: Users, schema: str, sql: str, words: str
) -> None:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute(sql.format(u=users.user(), s=schema))
    assert failure.value.code in ("42000", "0A000")
    assert words in failure.value.message


def test_names_that_need_quotes(connection: Any, users: Users) -> None:
    odd = 'ODD "NAME"; DROP'
    quoted = '"' + odd.replace('"', '""') + '"'
    connection.execute(f"CREATE ROLE {quoted}")
    try:
        name = users.user(quoted)
        granted = f"SELECT GRANTED_ROLE FROM EXA_DBA_ROLE_PRIVS WHERE GRANTEE = '{name}'"
        assert rows(connection, granted) == [(odd,)]
        mine = "SELECT GRANTED_ROLE FROM EXA_USER_ROLE_PRIVS"
        assert rows(users.log_in(name), mine) == [(odd,)]
        connection.execute(f"COMMENT ON ROLE {quoted} IS 'it''s odd'")
        comment = "SELECT ROLE_COMMENT FROM EXA_ALL_ROLES WHERE ROLE_NAME LIKE 'ODD%'"
        assert rows(connection, comment) == [("it's odd",)]
    finally:
        connection.execute(f"DROP ROLE {quoted}")


# --- transactions and restarts -------------------------------------------------------------------


def test_a_rollback_undoes_users_roles_and_grants(connect: Any, users: Users, schema: str) -> None:
    name = users.user()
    session = users.log_in(name)
    with connect(autocommit=False, schema=schema) as admin:
        admin.execute("CREATE ROLE GONE")
        admin.execute(f"GRANT GONE TO {name}")
        admin.execute("GRANT SELECT ON T TO GONE")
        admin.execute(f'ALTER USER {name} IDENTIFIED BY "other"')
        denied(session, f"SELECT * FROM {schema}.T", "SELECT on table T")
        admin.rollback()
        assert rows(admin, "SELECT COUNT(*) FROM EXA_ALL_ROLES WHERE ROLE_NAME = 'GONE'") == [(0,)]
        users.log_in(name)
        admin.execute(f"GRANT SELECT ON T TO {name}")
        admin.commit()
    assert rows(session, f"SELECT COUNT(*) FROM {schema}.T") == [(2,)]


def test_a_missing_right_leaves_the_transaction_as_it_is(
    users: Users, connection: Any, schema: str
) -> None:
    session = users.log_in(users.user(f"INSERT ON {schema}.T"), autocommit=False)
    session.execute(f"INSERT INTO {schema}.T VALUES (10)")
    for wrong in (f"SELECT * FROM {schema}.T", "CREATE SCHEMA X", f"SELECT {schema}.F(1)"):
        with pytest.raises(pyexasol.ExaQueryError):
            session.execute(wrong)
    session.commit()
    assert rows(connection, "SELECT MAX(A) FROM T") == [(10,)]


def test_rights_survive_a_restart(tmp_path: Path) -> None:
    home = EngineHome(tmp_path / "local")
    start(home, EngineSettings(port=0, workers=1))
    try:
        with connect_to(home) as admin:
            admin.execute("CREATE SCHEMA S")
            admin.execute("CREATE TABLE T (A INT)")
            admin.execute('CREATE USER ANN IDENTIFIED BY "pw"')
            admin.execute("CREATE ROLE READER")
            admin.execute("GRANT CREATE SESSION, CREATE TABLE TO ANN")
            admin.execute("GRANT SELECT ON T TO READER")
            admin.execute("GRANT READER TO ANN")
            admin.execute("REVOKE USE ANY SCHEMA FROM PUBLIC")
            admin.execute("GRANT USAGE ON SCHEMA S TO READER")
        stop(home)
        start(home, EngineSettings(port=0, workers=1))
        with connect_to(home, user="ann", password="pw") as ann:
            assert rows(ann, "SELECT COUNT(*) FROM S.T") == [(0,)]
            denied(ann, "INSERT INTO S.T VALUES (1)", "INSERT on table T")
            assert rows(ann, "SELECT PRIVILEGE FROM EXA_SESSION_PRIVS ORDER BY 1") == [
                ("CREATE SESSION",),
                ("CREATE TABLE",),
            ]
    finally:
        stop(home)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b'"pw"' not in file.read_bytes()
