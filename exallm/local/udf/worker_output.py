"""What UDF processes print: the first part of it goes to the engine's log, the rest nowhere."""

from __future__ import annotations

import os
import select
import threading
from typing import IO

_KEPT = 1024 * 1024
_PIECE = 64 * 1024
_LOOK_MS = 200
_CUT = b"\n(what the script printed after this was dropped)\n"


class WorkerOutput:
    """Empties the pipe that a process and all that it starts print to, so that none waits.

    :param pipe: its reading end, which this object closes.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._ending = False
        self._thread = threading.Thread(target=self._copy, daemon=True, name="worker output")
        self._thread.start()

    def close(self) -> None:
        """Copy what is left of ended processes; nothing the second time."""
        self._ending = True
        self._thread.join()
        self._pipe.close()

    def _copy(self) -> None:
        left = _KEPT
        poll = select.poll()
        poll.register(self._pipe.fileno(), select.POLLIN)
        while True:
            if not poll.poll(_LOOK_MS):
                if self._ending:  # somebody else has the pipe still
                    return
                continue
            piece = os.read(self._pipe.fileno(), _PIECE)
            if not piece:
                return
            if left > 0:
                os.write(2, piece[:left] if len(piece) <= left else piece[:left] + _CUT)
                left -= len(piece)
