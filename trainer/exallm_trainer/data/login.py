"""How to reach an Exasol database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ExasolLogin:
    """A database and a user of it.

    :param dsn: ``host:port``, or ``host/fingerprint:port``.
    :param encryption: TLS; only the embedded engine does without.
    """

    dsn: str
    user: str
    password: str = field(repr=False)
    encryption: bool = True
