"""What was granted to users and roles, as rows in DuckDB."""

from __future__ import annotations

import duckdb

from exallm.local.sql.rights import DBA
from exallm.local.sql_error import SqlError

_HELD = """
    WITH RECURSIVE held (name) AS (
        SELECT unnest([$name, 'PUBLIC'])
        UNION
        SELECT g.role FROM _exallm.role_grants g JOIN held h ON g.grantee = h.name
    )
"""
_ADMINISTERED = f"""{_HELD}
    SELECT 1 FROM _exallm.{{table}}
    WHERE {{column}} = $what AND admin_option AND grantee IN (SELECT name FROM held)
"""
_CIRCLE = """
    WITH RECURSIVE held (name) AS (
        SELECT $role
        UNION
        SELECT g.role FROM _exallm.role_grants g JOIN held h ON g.grantee = h.name
    )
    SELECT 1 FROM held WHERE name = $grantee
"""


class Grants:
    """The grants as one session's transaction sees them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def administers_privilege(self, user: str, privilege: str) -> bool:
        """Whether a user, or a role of the user's, has a system privilege WITH ADMIN OPTION."""
        return self._administers("system_privileges", "privilege", user, privilege)

    def administers_role(self, user: str, role: str) -> bool:
        """Whether a user, or a role of the user's, has a role WITH ADMIN OPTION."""
        return self._administers("role_grants", "role", user, role)

    def add_privilege(self, privilege: str, grantee: str, with_admin: bool) -> None:
        """Grant a system privilege; one that is there gets the option where it is new."""
        self._add("system_privileges", "privilege", privilege, grantee, with_admin)

    def remove_privilege(self, privilege: str, grantee: str) -> None:
        """Revoke a system privilege, whoever granted it."""
        self._connection.execute(
            "DELETE FROM _exallm.system_privileges WHERE privilege = ? AND grantee = ?",
            [privilege, grantee],
        )

    def add_role(self, role: str, grantee: str, with_admin: bool) -> None:
        """Grant a role.

        :raises SqlError: 42000 where the role would hold itself.
        """
        if self._connection.execute(_CIRCLE, {"role": role, "grantee": grantee}).fetchall():
            raise SqlError("42000", f"circular role grant: {role} holds {grantee}")
        self._add("role_grants", "role", role, grantee, with_admin)

    def remove_role(self, role: str, grantee: str) -> None:
        """Revoke a role; :raises SqlError: 42000 for DBA from SYS."""
        if (role, grantee) == (DBA, "SYS"):
            raise SqlError("42000", "role DBA cannot be revoked from SYS")
        self._connection.execute(
            "DELETE FROM _exallm.role_grants WHERE role = ? AND grantee = ?", [role, grantee]
        )

    def add_object(
        self, kind: str, place: tuple[str, str], privilege: str, grantee: str, grantor: str
    ) -> None:
        """Grant a privilege on an object.

        :param place: schema and name; the name is empty for a schema.
        """
        self.remove_object(place, privilege, grantee)
        self._connection.execute(
            "INSERT INTO _exallm.object_privileges VALUES (?, ?, ?, ?, ?, ?)",
            [*place, kind, privilege, grantee, grantor],
        )

    def remove_object(self, place: tuple[str, str], privilege: str, grantee: str) -> None:
        """Revoke a privilege on an object, whoever granted it."""
        self._connection.execute(
            "DELETE FROM _exallm.object_privileges WHERE schema_name = ? AND name = ?"
            " AND privilege = ? AND grantee = ?",
            [*place, privilege, grantee],
        )

    def _administers(self, table: str, column: str, user: str, what: str) -> bool:
        sql = _ADMINISTERED.format(table=table, column=column)
        return bool(self._connection.execute(sql, {"name": user, "what": what}).fetchall())

    def _add(self, table: str, column: str, what: str, grantee: str, with_admin: bool) -> None:
        found = self._connection.execute(
            f"SELECT admin_option FROM _exallm.{table} WHERE {column} = ? AND grantee = ?",
            [what, grantee],
        ).fetchall()
        if any(option or not with_admin for (option,) in found):
            return
        self._connection.execute(
            f"DELETE FROM _exallm.{table} WHERE {column} = ? AND grantee = ?", [what, grantee]
        )
        self._connection.execute(
            f"INSERT INTO _exallm.{table} VALUES (?, ?, ?)", [what, grantee, with_admin]
        )
