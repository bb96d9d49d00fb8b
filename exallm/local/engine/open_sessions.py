"""The sessions that are open, for the system tables that show them."""

from __future__ import annotations

import threading
from typing import Protocol

from exallm.local.session_facts import SessionFacts


class OpenSession(Protocol):
    """A session that can tell of itself."""

    def facts(self) -> SessionFacts:
        """What the system tables show of it."""


class OpenSessions:
    """Every session from its login to its end; used by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[int, OpenSession] = {}

    def add(self, session: OpenSession) -> None:
        """A session begins."""
        with self._lock:
            self._sessions[id(session)] = session

    def remove(self, session: OpenSession) -> None:
        """A session ends."""
        with self._lock:
            self._sessions.pop(id(session), None)

    def facts(self) -> list[SessionFacts]:
        """The open sessions, in the order of their logins."""
        with self._lock:
            sessions = list(self._sessions.values())
        return [session.facts() for session in sessions]
