"""The processes of a running engine, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_for(happened: Callable[[], Any]) -> None:
    """:raises AssertionError: it did not happen for a minute."""
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def workers_of(engine: int) -> list[int]:
    """The UDF processes of an engine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if int(parent) == engine and b"worker" in command:
            found.append(int(folder.name))
    return found
