"""Where clients open the tunnels of IMPORT and EXPORT: on the engine's own port, with a packet.

A client sends three numbers, the first of which is known to all, and is answered with the address
by which SQL may name its connection.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from exallm.local.transport.tunnels import Tunnels
from exallm.local.wire.limits import Limits
from exallm.local.wire.stream import close

_REQUEST = struct.Struct("<iii")
_ANSWER = struct.Struct("<ii16s")
_MAGIC = (0x02212102, 1, 1)
FIRST_BYTE = _REQUEST.pack(*_MAGIC)[:1]


class TunnelEntrance:
    """Admits the connections of tunnels.

    :param host: of the addresses that clients are told.
    """

    def __init__(self, host: str, tunnels: Tunnels, limits: Limits) -> None:
        self._host = host
        self._tunnels = tunnels
        self._limits = limits

    def admit(self, connection: socket.socket) -> None:
        """Read the packet, answer it, and watch over the connection until a statement takes it."""
        with connection.makefile("rb") as incoming:
            packet = incoming.read(_REQUEST.size)
        is_known = len(packet) == _REQUEST.size and _REQUEST.unpack(packet) == _MAGIC
        if not is_known or len(self._tunnels) >= self._limits.tunnels:
            close(connection)
            return
        connection.settimeout(None)
        number = self._tunnels.add(connection)
        with suppress(OSError):  # the client has left, which the watch finds as well
            connection.sendall(_ANSWER.pack(0, number, self._host.encode()))
        self._tunnels.watch(number, self._limits.tunnel_s)
