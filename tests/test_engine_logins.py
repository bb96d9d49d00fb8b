"""Who logs in to the embedded engine, and what becomes of passwords, over the wire."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest

from exallm.local.engine.password import is_password, password_hash
from tests.engine_users import Users, denied, fails, rows


def test_a_user_logs_in_with_the_password_only(users: Users) -> None:
    name = users.user()
    assert rows(users.log_in(name), "SELECT CURRENT_USER, USER") == [(name, name)]
    assert rows(users.log_in(name.lower()), "SELECT CURRENT_USER") == [(name,)]
    for wrong in ("PW", "", "pw ", "wrong"):
        with pytest.raises(pyexasol.ExaAuthError, match="authentication failed"):
            users.log_in(name, password=wrong)


def test_a_role_and_a_user_without_create_session_have_no_session(users: Users) -> None:
    with pytest.raises(pyexasol.ExaAuthError, match="authentication failed"):
        users.log_in(users.role("CREATE SESSION"), password="")
    text = r"insufficient privileges: CREATE SESSION\."
    with pytest.raises(pyexasol.ExaError, match=text):
        users.log_in(users.user(session=False))


def test_an_unquoted_password_is_folded_like_an_identifier(connection: Any, users: Users) -> None:
    name = users.user()
    connection.execute(f"ALTER USER {name} IDENTIFIED BY secret")
    users.log_in(name, password="SECRET")
    with pytest.raises(pyexasol.ExaAuthError):
        users.log_in(name, password="secret")


def test_passwords_are_kept_as_salted_hashes() -> None:
    one, two = password_hash("ä geheim"), password_hash("ä geheim")
    assert one != two
    assert "geheim" not in one
    assert is_password("ä geheim".encode(), one)
    assert not is_password(b"geheim", one)
    assert not is_password(b"", None)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER X IDENTIFIED BY 'geheim'",
        'CREATE USER X IDENTIFIED BY "geheim',
        'CREATE USER X IDENTIFIED BY "geheim" AND MORE',
        'CREATE USER X IDENTIFIED "geheim"',
        'ALTER USER SYS IDENTIFIED BY "geheim"',
        'ALTER USER NOSUCH IDENTIFIED BY "geheim"',
    ],
)
def test_no_error_shows_a_password(connection: Any, sql: str) -> None:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        connection.execute(sql)
    assert "geheim" not in failure.value.message


def test_a_user_changes_the_own_password_with_the_old_one(users: Users) -> None:
    name, other = users.user(), users.user()
    session = users.log_in(name)
    denied(session, f'ALTER USER {other} IDENTIFIED BY "x"', "for altering user")
    fails(session, f'ALTER USER {name} IDENTIFIED BY "x"', "42000", "invalid old password")
    wrong = f'ALTER USER {name} IDENTIFIED BY "x" REPLACE "no"'
    fails(session, wrong, "42000", "invalid old password")
    session.execute(f'ALTER USER {name} IDENTIFIED BY "new" REPLACE "pw"')
    users.log_in(name, password="new")
    with pytest.raises(pyexasol.ExaAuthError):
        users.log_in(name)


def test_names_of_users_and_roles_know_no_case_and_are_one_namespace(
    connection: Any, users: Users
) -> None:
    name = users.user()
    again = f'CREATE USER "{name.lower()}" IDENTIFIED BY "x"'
    fails(connection, again, "42000", f"user {name} already exists")
    fails(connection, f"CREATE ROLE {name}", "42000", f"role {name} already exists")
    fails(connection, f"DROP ROLE {name}", "42000", f"role {name} not found")
    fails(connection, "DROP USER NOSUCH", "42000", "user NOSUCH not found")
    connection.execute("DROP USER IF EXISTS NOSUCH")
    connection.execute("DROP ROLE IF EXISTS NOSUCH")
    for lasting in ("USER SYS", "ROLE DBA", "ROLE PUBLIC"):
        fails(connection, f"DROP {lasting}", "42000", "cannot be dropped")
