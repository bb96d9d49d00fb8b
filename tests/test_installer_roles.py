"""The roles of exallm: what an installation grants, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.installer.install import activate_local_language, apply_plan, plan_install
from exallm.installer.roles import ROLES, drop_unused_roles
from exallm.installer.sql_files import split_statements, sql_files
from exallm.installer.target import Target
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError
from tests.conftest import connect_to
from tests.engine_harness import started_engine, target_on
from tests.engine_users import denied, fails, rows

SQL = Path(__file__).parents[1] / "sql"
GRANTS = (SQL / "routines" / "R__grants.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    with started_engine(tmp_path_factory.mktemp("roles"), workers=2) as home:
        yield home


@pytest.fixture
def target(home: EngineHome) -> Target:
    return target_on(home)


@pytest.fixture
def connection(home: EngineHome, target: Target) -> Iterator[pyexasol.ExaConnection]:
    """A session of SYS; whatever a test installs is gone afterwards."""
    with target.database.connect() as connection:
        yield connection
        connection.rollback()
        for schema in ("EXALLM", "EXALLM_TWO"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        for role in ROLES:
            connection.execute(f"DROP ROLE IF EXISTS {role}")
        for user in ("ANN", "OPAL", "ADA"):
            connection.execute(f"DROP USER IF EXISTS {user} CASCADE")
        connection.commit()


@pytest.fixture
def installed(connection: Any, target: Target) -> Any:
    """A session of SYS after an installation."""
    install(connection, target)
    return connection


def install(connection: Any, target: Target) -> None:
    activate_local_language(connection, target.language)
    apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.commit()


@pytest.fixture
def log_in(home: EngineHome, installed: Any) -> Iterator[Any]:
    """Makes a user who holds a role, and logs in as that user."""
    sessions = []

    def log_in(user: str, role: str | None) -> Any:
        installed.execute(f'CREATE USER {user} IDENTIFIED BY "pw"')
        installed.execute(f"GRANT CREATE SESSION TO {user}")
        if role is not None:
            installed.execute(f"GRANT {role} TO {user}")
        installed.commit()
        sessions.append(connect_to(home, user=user, password="pw"))
        return sessions[-1]

    yield log_in
    for session in sessions:
        session.close()


def scripts_by_role() -> dict[str, list[str]]:
    """What ``R__grants.sql`` says of each role."""
    (text,) = re.findall(r"^local scripts = \{\n(.*?)^\}", GRANTS, re.M | re.S)
    parts = re.findall(r"(EXALLM_[A-Z]+) = \{(.*?)\}", text, re.S)
    return {role: re.findall(r"'([A-Z0-9_]+)'", names) for role, names in parts}


def test_every_script_of_exallm_belongs_to_one_role() -> None:
    created = re.compile(r'^CREATE OR REPLACE (?:\w+ )+?SCRIPT "?([A-Z0-9_]+)', re.M)
    files = [file for folder in ("udfs", "routines") for file in sql_files(folder)]
    scripts = {name for file in files for name in created.findall(file.text)} | {"REGISTRY"}
    listed = [name for names in scripts_by_role().values() for name in names]
    assert sorted(listed) == sorted(scripts)


def test_the_roles_hold_each_other_and_the_schema(installed: Any) -> None:
    roles = rows(
        installed,
        "SELECT ROLE_NAME, ROLE_COMMENT FROM EXA_ALL_ROLES WHERE ROLE_COMMENT IS NOT NULL",
    )
    assert {name for name, _ in roles} == set(ROLES)
    held = "SELECT GRANTEE, GRANTED_ROLE FROM EXA_DBA_ROLE_PRIVS WHERE GRANTEE <> 'SYS' ORDER BY 1"
    assert rows(installed, held) == [
        ("EXALLM_ADMIN", "EXALLM_OPERATOR"),
        ("EXALLM_OPERATOR", "EXALLM_USER"),
    ]
    assert rows(installed, "SELECT SCHEMA_OWNER FROM EXA_SCHEMAS") == [("EXALLM_ADMIN",)]
    system = "SELECT GRANTEE, PRIVILEGE FROM EXA_DBA_SYS_PRIVS WHERE GRANTEE LIKE 'EXALLM%'"
    assert rows(installed, system) == [("EXALLM_ADMIN", "CREATE SCRIPT")]


def test_who_holds_no_role_may_nothing(log_in: Any) -> None:
    ann = log_in("ANN", None)
    denied(ann, "SELECT EXALLM.GPT2_INFERENCE('x')", "for calling script")
    denied(ann, "SELECT EXALLM.AI_ANSWER('q', 'c')", "for calling script")
    denied(ann, "SELECT * FROM EXALLM.CURRENT_MODELS", "SELECT on view CURRENT_MODELS")
    denied(ann, "EXECUTE SCRIPT EXALLM.REFRESH_REGISTRY()", "for executing a script")


def test_a_user_calls_functions_and_changes_nothing(log_in: Any) -> None:
    ann = log_in("ANN", "EXALLM_USER")
    fails(ann, "SELECT EXALLM.GPT2_INFERENCE('x')", "22002", "E-EXALLM-MODEL-3")
    assert rows(ann, "SELECT EXALLM.GPT2_INFERENCE(NULL)") == [(None,)]
    assert rows(ann, "SELECT * FROM EXALLM.CURRENT_MODELS") == []
    assert rows(ann, "SELECT COUNT(*) FROM EXALLM.MODEL_VERSIONS") == [(0,)]
    denied(ann, "EXECUTE SCRIPT EXALLM.REFRESH_REGISTRY()", "for executing a script")
    denied(ann, "EXECUTE SCRIPT EXALLM.APPLY_GRANTS()", "for executing a script")
    call = "EXECUTE SCRIPT EXALLM.REGISTER_MODEL('qa', 1, '/x', '{}', '{}')"
    denied(ann, call, "for executing a script")
    denied(ann, "SELECT EXALLM.VERIFY_PACKAGE('/x', 'y')", "for calling script")
    denied(ann, "DELETE FROM EXALLM.MODEL_VERSIONS", "DELETE on table MODEL_VERSIONS")
    denied(ann, "UPDATE EXALLM.MODEL_ALIASES SET MODEL_VERSION = 1", "UPDATE on table")
    denied(ann, "SELECT * FROM EXALLM.ALIAS_HISTORY", "SELECT on table ALIAS_HISTORY")
    denied(ann, "CREATE LUA SCRIPT EXALLM.X () AS return", "for creating script")
    denied(ann, "DROP SCHEMA EXALLM CASCADE", "for dropping schema")


def test_an_operator_does_not_change_the_registry(log_in: Any) -> None:
    opal = log_in("OPAL", "EXALLM_OPERATOR")
    assert rows(opal, "SELECT EXALLM.GPT2_INFERENCE(NULL)") == [(None,)]
    assert rows(opal, "SELECT * FROM EXALLM.ALIAS_HISTORY") == []
    denied(opal, "EXECUTE SCRIPT EXALLM.REFRESH_REGISTRY()", "for executing a script")
    denied(opal, "INSERT INTO EXALLM.MODEL_ALIASES VALUES ('a', 'b', 1)", "INSERT on table")


def test_an_admin_changes_the_registry_and_users_still_read_it(log_in: Any) -> None:
    ada, ann = log_in("ADA", "EXALLM_ADMIN"), log_in("ANN", "EXALLM_USER")
    ada.execute("EXECUTE SCRIPT EXALLM.REFRESH_REGISTRY()")
    fails(ann, "SELECT EXALLM.GPT2_INFERENCE('x')", "22002", "E-EXALLM-MODEL-3")
    assert rows(ada, "SELECT LOCKED_BY FROM EXALLM.REGISTRY_LOCK") == [("ADA",)]
    denied(ada, "CREATE SCHEMA OTHER_ONE", "for creating schema")
    denied(ada, "GRANT CREATE SCRIPT TO ANN", "not grantable")


def test_a_second_installation_keeps_the_members_and_gives_the_rights_again(
    installed: Any, target: Target, log_in: Any
) -> None:
    ann = log_in("ANN", "EXALLM_USER")
    listed = "SELECT * FROM EXA_DBA_OBJ_PRIVS ORDER BY 1, 2, 3, 4, 5"
    before = rows(installed, listed)
    assert len(before) > 10
    installed.execute("REVOKE EXECUTE ON EXALLM.GPT2_INFERENCE FROM EXALLM_USER")
    installed.commit()
    denied(ann, "SELECT EXALLM.GPT2_INFERENCE(NULL)", "for calling script")
    install(installed, target)
    assert rows(installed, listed) == before
    assert rows(ann, "SELECT EXALLM.GPT2_INFERENCE(NULL)") == [(None,)]


def test_an_installation_that_fails_leaves_no_role(connection: Any, target: Target) -> None:
    connection.execute('CREATE USER EXALLM_ADMIN IDENTIFIED BY "x"')
    connection.commit()
    activate_local_language(connection, target.language)
    text = "E-EXALLM-DEPLOY-10: a user has the name of the role EXALLM_ADMIN"
    with pytest.raises(ExallmError, match=text):
        apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.rollback()
    listed = "SELECT ROLE_NAME FROM EXA_ALL_ROLES ORDER BY 1"
    assert rows(connection, listed) == [("DBA",), ("PUBLIC",)]
    connection.execute("DROP USER EXALLM_ADMIN")
    connection.commit()


@pytest.mark.parametrize("missing", ["SCRIPT TOKEN_COUNT", "VIEW CURRENT_MODELS"])
def test_a_script_or_table_that_is_missing_fails_by_name(installed: Any, missing: str) -> None:
    kind, _, name = missing.partition(" ")
    installed.execute(f"DROP {kind} EXALLM.{name}")
    call = "EXECUTE SCRIPT EXALLM.APPLY_GRANTS()"
    fails(installed, call, "43000", f"E-EXALLM-DEPLOY-11: {name}, on which a role has rights")


def test_the_rights_do_not_depend_on_usage_of_any_schema(installed: Any, log_in: Any) -> None:
    ann, ada = log_in("ANN", "EXALLM_USER"), log_in("ADA", "EXALLM_ADMIN")
    installed.execute("REVOKE USE ANY SCHEMA FROM PUBLIC")
    installed.commit()
    try:
        fails(ann, "SELECT EXALLM.GPT2_INFERENCE('x')", "22002", "E-EXALLM-MODEL-3")
        ada.execute("EXECUTE SCRIPT EXALLM.REFRESH_REGISTRY()")
        fails(ann, "SELECT EXALLM.GPT2_INFERENCE('x')", "22002", "E-EXALLM-MODEL-3")
    finally:
        installed.execute("GRANT USE ANY SCHEMA TO PUBLIC")
        installed.commit()


def test_any_schema_name_works(connection: Any, target: Target) -> None:
    odd = replace(target, schema='my "models"; DROP')
    install(connection, odd)
    granted = (
        "SELECT COUNT(*) FROM EXA_DBA_OBJ_PRIVS"
        " WHERE OBJECT_SCHEMA = 'my \"models\"; DROP' AND OBJECT_NAME = 'REGISTRY'"
    )
    assert rows(connection, granted) == [(1,)]
    connection.execute('DROP SCHEMA "my ""models""; DROP" CASCADE')
    assert drop_unused_roles(connection) == ROLES
    connection.commit()


def test_the_roles_go_with_the_last_schema(installed: Any, target: Target) -> None:
    install(installed, replace(target, schema="EXALLM_TWO"))
    uninstall = list(split_statements((SQL / "uninstall.sql").read_text(encoding="utf-8")))
    drops = [statement for statement in uninstall if statement.startswith("DROP ROLE")]
    assert len(drops) == len(ROLES)
    for statement in uninstall[: -len(drops)]:
        installed.execute(statement)
    assert drop_unused_roles(installed) == ()
    fails(installed, drops[0], "42000", "role EXALLM_ADMIN owns schema EXALLM_TWO")
    installed.execute("DROP SCHEMA EXALLM_TWO CASCADE")
    for statement in drops:
        installed.execute(statement)
    assert rows(installed, "SELECT ROLE_NAME FROM EXA_ALL_ROLES ORDER BY 1") == [
        ("DBA",),
        ("PUBLIC",),
    ]


def test_a_privilege_elsewhere_keeps_the_roles(installed: Any) -> None:
    installed.execute("CREATE SCHEMA EXALLM_TWO")
    installed.execute("GRANT USAGE ON SCHEMA EXALLM_TWO TO EXALLM_USER")
    installed.execute("DROP SCHEMA EXALLM CASCADE")
    assert drop_unused_roles(installed) == ()
