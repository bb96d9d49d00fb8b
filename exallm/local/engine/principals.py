"""Users and roles, as rows in DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb

from exallm.local.engine.password import is_password, password_hash
from exallm.local.sql.rights import DBA, PUBLIC
from exallm.local.sql_error import SqlError

SYS = "SYS"
_LASTING = (SYS, DBA, PUBLIC)

PRINCIPAL_TABLES = (
    "CREATE TABLE IF NOT EXISTS _exallm.principals (name VARCHAR PRIMARY KEY, kind VARCHAR,"
    " password_hash VARCHAR, created TIMESTAMP, remark VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _exallm.role_grants (role VARCHAR, grantee VARCHAR,"
    " admin_option BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS _exallm.system_privileges (privilege VARCHAR, grantee VARCHAR,"
    " admin_option BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS _exallm.object_privileges (schema_name VARCHAR, name VARCHAR,"
    " kind VARCHAR, privilege VARCHAR, grantee VARCHAR, grantor VARCHAR)",
    # What every user may do at first; it may be revoked, so it is granted once only.
    "INSERT INTO _exallm.system_privileges SELECT 'USE ANY SCHEMA', 'PUBLIC', FALSE"
    " WHERE NOT EXISTS (FROM _exallm.principals)",
    "INSERT INTO _exallm.role_grants SELECT 'DBA', 'SYS', TRUE"
    " WHERE NOT EXISTS (FROM _exallm.principals)",
    "INSERT INTO _exallm.principals VALUES"
    " ('SYS', 'USER', NULL, make_timestamp(epoch_us(now())), NULL),"
    " ('DBA', 'ROLE', NULL, make_timestamp(epoch_us(now())), NULL),"
    " ('PUBLIC', 'ROLE', NULL, make_timestamp(epoch_us(now())), NULL) ON CONFLICT DO NOTHING",
)


class Principals:
    """The users and roles as one session's transaction sees them; all names in upper case.

    The password of SYS is the engine's own and is not kept here.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def kind(self, name: str) -> str | None:
        """USER or ROLE, None where there is neither of this name."""
        row = self._row("SELECT kind FROM _exallm.principals WHERE name = ?", name)
        return str(row[0]) if row else None

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is a USER or ROLE of this name."""
        return self.kind(name) == kind

    def require(self, kind: str, name: str) -> None:
        """:raises SqlError: 42000 where there is no such USER or ROLE."""
        if not self.exists(kind, name):
            raise not_found(kind, name)

    def knows(self, user: str, password: bytes) -> bool:
        """Whether a password is the user's; it takes as long where there is no such user."""
        row = self._row(
            "SELECT password_hash FROM _exallm.principals WHERE name = ? AND kind = 'USER'", user
        )
        return is_password(password, str(row[0]) if row and row[0] else None)

    def create(self, kind: str, name: str, password: str | None = None) -> None:
        """Add a USER with a password, or a ROLE without one.

        :raises SqlError: 42000 for a name that a user or role has.
        """
        other = self.kind(name)
        if other is not None:
            raise SqlError("42000", f"{kind.lower()} {name} already exists: {_article(other)}")
        self._connection.execute(
            "INSERT INTO _exallm.principals"
            " VALUES (?, ?, ?, make_timestamp(epoch_us(now())), NULL)",
            [name, kind, password_hash(password) if password is not None else None],
        )

    def change_password(self, user: str, password: str) -> None:
        """Give a user who is there another password."""
        self._connection.execute(
            "UPDATE _exallm.principals SET password_hash = ? WHERE name = ?",
            [password_hash(password), user],
        )

    def require_droppable(self, name: str) -> None:
        """:raises SqlError: 42000 for SYS, DBA and PUBLIC, which are always there."""
        if name in _LASTING:
            raise SqlError("42000", f"{name} cannot be dropped")

    def drop(self, name: str) -> None:
        """Remove a user or role who owns no schema, with all that was granted to it."""
        self._connection.execute("DELETE FROM _exallm.principals WHERE name = ?", [name])
        self._connection.execute("DELETE FROM _exallm.role_grants WHERE role = ?", [name])
        for table in ("role_grants", "system_privileges", "object_privileges"):
            self._connection.execute(f"DELETE FROM _exallm.{table} WHERE grantee = ?", [name])

    def comment(self, name: str, remark: str | None) -> None:
        """Keep a comment on a user or role, None for none."""
        self._connection.execute(
            "UPDATE _exallm.principals SET remark = ? WHERE name = ?", [remark, name]
        )

    def schemas_of(self, owner: str) -> list[str]:
        """The schemas that belong to a user or role."""
        rows = self._connection.execute(
            "SELECT name FROM _exallm.schemas WHERE owner = ? ORDER BY name", [owner]
        ).fetchall()
        return [str(row[0]) for row in rows]

    def _row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        rows = self._connection.execute(sql, list(values)).fetchall()
        return rows[0] if rows else None


def not_found(kind: str, name: str) -> SqlError:
    """The error for a user or role that is not there."""
    return SqlError("42000", f"{kind.lower()} {name} not found")


def _article(kind: str) -> str:
    return f"there is a {kind.lower()} of this name"
