"""The rights of users, read from what was granted."""

from __future__ import annotations

import duckdb

from exallm.local.engine.principals import SYS
from exallm.local.sql.rights import DBA, SYSTEM_PRIVILEGES, Rights, all_rights

_EVERYTHING = all_rights(SYS)
# One query for all, because every statement of a user begins with it.
_GRANTED = """
    WITH RECURSIVE held (name) AS (
        SELECT unnest([$name, 'PUBLIC'])
        UNION
        SELECT g.role FROM _exallm.role_grants g JOIN held h ON g.grantee = h.name
    )
    SELECT 'HELD', name, NULL, NULL FROM held
    UNION ALL
    SELECT 'SYSTEM', privilege, NULL, NULL FROM _exallm.system_privileges
    WHERE grantee IN (SELECT name FROM held)
    UNION ALL
    SELECT 'OBJECT', schema_name, name, privilege FROM _exallm.object_privileges
    WHERE grantee IN (SELECT name FROM held)
    UNION ALL
    SELECT 'OWNED', name, NULL, NULL FROM _exallm.schemas WHERE owner IN (SELECT name FROM held)
"""


class RightsReader:
    """The rights that hold in a session's transaction; each user's are read once a statement.

    :param user: whose session it is.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, user: str) -> None:
        self._connection = connection
        self._user = user
        self._known: dict[str, Rights] = {}

    def own(self) -> Rights:
        """The rights of the session's user."""
        return self.of(self._user)

    def of(self, name: str) -> Rights:
        """The rights of a user or role."""
        if name == SYS:
            return _EVERYTHING
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def forget(self) -> None:
        """Read the rights again: a statement begins, or has changed them."""
        self._known.clear()

    def _read(self, name: str) -> Rights:
        rows = self._connection.execute(_GRANTED, {"name": name}).fetchall()
        held = frozenset(row[1] for row in rows if row[0] == "HELD")
        system = frozenset(row[1] for row in rows if row[0] == "SYSTEM")
        return Rights(
            name,
            held,
            SYSTEM_PRIVILEGES if DBA in held else system,
            frozenset((row[1], row[2], row[3]) for row in rows if row[0] == "OBJECT"),
            frozenset(row[1] for row in rows if row[0] == "OWNED"),
        )
