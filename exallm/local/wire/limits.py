"""What one engine grants its clients, so that none of them can take it from the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The bounds of connections.

    :param sessions: the most clients at once; the next one is told so and sent away.
    :param refusals: the most clients that are being told so; those beyond are cut off.
    :param login_s: seconds within which a client must have logged in.
    :param send_s: seconds for which an answer waits for a client that does not read.
    :param tunnels: the most connections that wait for an IMPORT or EXPORT.
    :param tunnel_s: seconds for which one of them waits.
    """

    sessions: int = 200
    refusals: int = 2000
    login_s: float = 30.0
    send_s: float = 120.0
    tunnels: int = 200
    tunnel_s: float = 600.0
