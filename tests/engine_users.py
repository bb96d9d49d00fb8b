"""Users of the embedded engine, for tests of rights."""

from __future__ import annotations

import itertools
from typing import Any

import pyexasol
import pytest

_numbers = itertools.count(1)


class Users:
    """Makes users and roles, which end with the test, and logs them in.

    :param admin: a session of SYS.
    """

    def __init__(self, admin: Any, connect: Any) -> None:
        self._admin = admin
        self._connect = connect
        self._sessions: list[Any] = []
        self._made: list[tuple[str, str]] = []

    def user(self, *privileges: str, session: bool = True) -> str:
        """A user with the password ``pw``, who may have a session and has these rights."""
        name = self._new("USER", ' IDENTIFIED BY "pw"')
        granted = ("CREATE SESSION", *privileges) if session else privileges
        for privilege in granted:
            self._admin.execute(f"GRANT {privilege} TO {name}")
        return name

    def role(self, *privileges: str) -> str:
        """A role with these rights."""
        name = self._new("ROLE", "")
        for privilege in privileges:
            self._admin.execute(f"GRANT {privilege} TO {name}")
        return name

    def log_in(self, name: str, **options: Any) -> Any:
        """A session of a user, with the test's schema open if the user may."""
        session = self._connect(user=name, **{"password": "pw", **options})
        self._sessions.append(session)
        return session

    def close(self) -> None:
        """End the sessions; drop the users and roles with all that is theirs."""
        for session in self._sessions:
            session.close()
        self._admin.rollback()
        for kind, name in self._made:
            self._admin.execute(f"DROP {kind} IF EXISTS {name} CASCADE")

    def _new(self, kind: str, rest: str) -> str:
        name = f"T{next(_numbers)}_{kind}"
        self._admin.execute(f"CREATE {kind} {name}{rest}")
        self._made.append((kind, name))
        return name


def rows(session: Any, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    found: list[tuple[Any, ...]] = session.execute(sql).fetchall()
    return found


def fails(session: Any, sql: str, code: str, words: str) -> str:
    """The message of a statement that fails with this code and these words."""
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        session.execute(sql)
    assert (failure.value.code, words in failure.value.message) == (code, True), (
        failure.value.code,
        failure.value.message,
    )
    return str(failure.value.message)


def denied(session: Any, sql: str, words: str) -> None:
    """A statement fails for want of a right."""
    message = fails(session, sql, "42500", words)
    assert message.startswith("insufficient privileges")
