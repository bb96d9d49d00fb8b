"""Runs every query of this folder: ``python -m tests.sql_queries``; the last line is JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from tests.conftest import connect_to
from tests.sql_queries.cases import prepare, topics


def main() -> int:
    """Say what fails; 1 where something does."""
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
                            print(f"{topic.name}: {case.name}\n    {failure}")
        finally:
            stop(home)
    print(json.dumps({"sql_queries": queries, "sql_passed": passed}))
    return 0 if queries == passed else 1


if __name__ == "__main__":
    sys.exit(main())
