"""Runs every query of this folder on an engine of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from tests.conftest import connect_to
from tests.sql_queries.cases import prepare, topics


def run_queries(say: Callable[[str], None]) -> dict[str, int]:
    """``sql_queries`` and ``sql_passed``; what fails is said."""
    queries = passed = 0
    with tempfile.TemporaryDirectory() as folder:
        home = EngineHome(Path(folder) / "local")
        start(home, EngineSettings(port=0, workers=2))
        try:
            for topic in topics():
                with connect_to(home) as connection:
                    prepare(connection, topic)
                    for case in topic.cases:
                        failure = case.failure(connection)
                        queries += 1
                        passed += failure is None
                        if failure is not None:
                            say(f"{topic.name}: {case.name}\n    {failure}")
        finally:
            stop(home)
    return {"sql_queries": queries, "sql_passed": passed}
