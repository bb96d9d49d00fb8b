"""What is known of a session and of the client that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ClientFacts:
    """What a client says of itself when it logs in, and what its connection tells; '' for nothing.

    :param host: the address from which it comes.
    :param encrypted: whether it speaks TLS.
    """

    client: str = ""
    driver: str = ""
    host: str = ""
    os_user: str = ""
    os_name: str = ""
    encrypted: bool = False


@dataclass(frozen=True)
class SessionFacts:
    """One open session.

    :param status: ``IDLE`` or ``EXECUTE SQL``.
    :param statement_id: of its last statement, 0 before the first.
    :param command: the first word of its last statement, '' before the first.
    :param login_time: in UTC.
    """

    session_id: int
    user: str
    status: str
    statement_id: int
    command: str
    query_timeout_s: int
    current_schema: str | None
    login_time: datetime
    client: ClientFacts
