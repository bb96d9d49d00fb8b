"""The roles that exallm makes in a database, and their end."""

from __future__ import annotations

import pyexasol

from exallm.installer.statements import run, value
from exallm.sql_text import quote_identifier, quote_text

ROLES = ("EXALLM_ADMIN", "EXALLM_OPERATOR", "EXALLM_USER")


def drop_unused_roles(connection: pyexasol.ExaConnection) -> tuple[str, ...]:
    """Drop the roles in the connection's transaction, once the last schema of exallm is gone.

    They stay where one of them owns a schema, or has a privilege on any object: another
    installation or a grant of the DBA's needs them.

    :returns: the roles that were dropped.
    :raises ExallmError: E-EXALLM-DEPLOY-1 where the user may not drop them.
    """
    listed = ", ".join(quote_text(role) for role in ROLES)
    owned = value(connection, f"SELECT COUNT(*) FROM EXA_SCHEMAS WHERE SCHEMA_OWNER IN ({listed})")
    granted = value(
        connection, f"SELECT COUNT(*) FROM EXA_DBA_OBJ_PRIVS WHERE GRANTEE IN ({listed})"
    )
    if owned or granted:
        return ()
    rows = run(connection, f"SELECT ROLE_NAME FROM EXA_ALL_ROLES WHERE ROLE_NAME IN ({listed})")
    dropped = tuple(sorted(str(row[0]) for row in rows))
    for role in dropped:
        run(connection, f"DROP ROLE {quote_identifier(role)}")
    return dropped
