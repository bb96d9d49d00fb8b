"""The figures of ``make contract`` beside the cases: a function for each part adds its own.

A function takes nothing and returns names and values for the last line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.export_speed import measure_apart
from tests.sql_queries.run import run_queries

Figures = Callable[[], Mapping[str, object]]

_TESTS = Path(__file__).parents[1]
_CLIENTS = ("pyexasol", "sqlalchemy", "dbt")


def _queries() -> Mapping[str, object]:
    return run_queries(print)


def _clients() -> Mapping[str, object]:
    """For each client the cases that were run and those that passed, by its file of tests."""
    return {"clients": {client: _client(client) for client in _CLIENTS}}


def _client(client: str) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        file = _TESTS / f"test_client_{client}.py"
        command = [sys.executable, "-m", "pytest", str(file), f"--junitxml={report}"]
        subprocess.run(command, cwd=_TESTS.parent, env=os.environ, check=False)
        counts = ElementTree.parse(report).getroot()[0].attrib
    cases, skipped = int(counts["tests"]), int(counts["skipped"])
    wrong = int(counts["failures"]) + int(counts["errors"])
    return {"run": cases - skipped, "passed": cases - skipped - wrong, "skipped": skipped}


def _export() -> Mapping[str, object]:
    figures = measure_apart()
    return {"rows_per_s_export": figures["ratio"]}


PARTS: tuple[Figures, ...] = (_queries, _clients, _export)
