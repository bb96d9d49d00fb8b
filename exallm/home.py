"""Where exallm keeps what it makes on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def exallm_home() -> Path:
    """The folder named by ``EXALLM_HOME``, else ``.exallm`` in the user's home."""
    named = os.environ.get("EXALLM_HOME")
    return Path(named).expanduser() if named else Path.home() / ".exallm"
