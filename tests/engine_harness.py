"""An embedded engine of a test's own, in another process, and the target that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exallm.installer.target import Target, local_target
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome


@contextmanager
def started_engine(folder: Path, workers: int) -> Iterator[EngineHome]:
    """An engine that is stopped afterwards, with its files below the folder."""
    home = EngineHome(folder / "local")
    start(home, EngineSettings(port=0, workers=workers))
    try:
        yield home
    finally:
        stop(home)


def target_on(home: EngineHome, schema: str = "EXALLM") -> Target:
    """A schema of a running engine."""
    running = home.running()
    assert running is not None
    return local_target(home, running, schema)


def quiet(*facts: Any) -> None:
    """Progress that nobody watches."""
