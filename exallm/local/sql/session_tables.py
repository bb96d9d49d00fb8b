"""Exasol's system tables about open sessions."""

from __future__ import annotations

from collections.abc import Sequence

from exallm.local.session_facts import SessionFacts
from exallm.local.sql.fixed_tables import rows_of

_COLUMNS = {
    "SESSION_ID": "DECIMAL(20,0)",
    "USER_NAME": "VARCHAR",
    "EFFECTIVE_USER": "VARCHAR",
    "STATUS": "VARCHAR",
    "COMMAND_NAME": "VARCHAR",
    "STMT_ID": "DECIMAL(18,0)",
    "DURATION": "VARCHAR",
    "QUERY_TIMEOUT": "DECIMAL(18,0)",
    "ACTIVITY": "VARCHAR",
    "TEMP_DB_RAM": "DOUBLE",
    "PERSISTENT_DB_RAM": "DOUBLE",
    "LOGIN_TIME": "TIMESTAMP",
    "CLIENT": "VARCHAR",
    "DRIVER": "VARCHAR",
    "ENCRYPTED": "BOOLEAN",
    "HOST": "VARCHAR",
    "OS_USER": "VARCHAR",
    "OS_NAME": "VARCHAR",
    "SCOPE_SCHEMA": "VARCHAR",
    "CONSUMER_GROUP": "VARCHAR",
    "NICE": "BOOLEAN",
    "RESOURCES": "DECIMAL(18,0)",
    "SQL_TEXT": "VARCHAR",
}
# Everybody may see who is there, and nobody but a DBA with what.
_PUBLIC = [
    name
    for name in _COLUMNS
    if name not in ("EFFECTIVE_USER", "HOST", "OS_USER", "OS_NAME", "SCOPE_SCHEMA", "SQL_TEXT")
]


def every_session(sessions: Sequence[SessionFacts]) -> str:
    """EXA_DBA_SESSIONS."""
    return rows_of(_COLUMNS, [_row(session) for session in sessions])


def own_sessions(sessions: Sequence[SessionFacts], user: str) -> str:
    """EXA_USER_SESSIONS."""
    return every_session([session for session in sessions if session.user == user])


def public_sessions(sessions: Sequence[SessionFacts]) -> str:
    """EXA_ALL_SESSIONS."""
    return f"SELECT {', '.join(_PUBLIC)} FROM ({every_session(sessions)})"


def _row(session: SessionFacts) -> tuple[object, ...]:
    client = session.client
    return (
        *(session.session_id, session.user, session.user, session.status, session.command or None),
        *(session.statement_id, None, session.query_timeout_s, None, None, None),
        *(session.login_time.strftime("%Y-%m-%d %H:%M:%S.%f"), client.client or None),
        *(client.driver or None, client.encrypted, client.host or None, client.os_user or None),
        *(client.os_name or None, session.current_schema, None, None, None),
        None,  # a statement may hold a password
    )
