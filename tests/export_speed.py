"""How fast rows leave the embedded engine, beside DuckDB's own way to pandas in the same run.

``python -m tests.export_speed`` prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyexasol

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import USER, EngineHome

ROWS = 1_000_000
_ROUNDS = 3
_COLUMNS = "ID DECIMAL(18,0), PRICE DECIMAL(12,2), X DOUBLE, NAME VARCHAR(40), BORN DATE"
_VALUES = (
    "I, CAST(I AS DECIMAL(12,2)) * 0.25, CAST(I AS DOUBLE) / 7, 'customer number ' || {text},"
    " CAST('2020-01-01' AS DATE)"
)


def measure(home: EngineHome, **options: Any) -> dict[str, float]:
    """Rows a second of ``export_to_pandas``, of DuckDB's ``df``, and the first by the second.

    :param home: of an engine that runs.
    :param options: of the connection, beside user and password.
    """
    running = home.running()
    assert running is not None
    settings = {"user": USER, "password": home.password(), "encryption": False, **options}
    with pyexasol.connect(dsn=running.dsn, **settings) as connection:
        connection.execute("CREATE SCHEMA SPEED")
        connection.execute(f"CREATE TABLE BIG ({_COLUMNS})")
        digits = ", ".join(
            f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)"
            for n in range(6)
        )
        number = " + ".join(f"{10**n} * D{n}.N" for n in range(6))
        values = _VALUES.format(text="CAST(I AS VARCHAR(10))")
        connection.execute(
            f"INSERT INTO BIG SELECT {values} FROM (SELECT {number} AS I FROM {digits})"
        )
        exported = _rows_a_second(lambda: connection.export_to_pandas("BIG"))
        connection.execute("DROP SCHEMA SPEED CASCADE")
    with duckdb.connect() as database:
        values = _VALUES.format(text="CAST(I AS VARCHAR)")
        database.execute(f"CREATE TABLE BIG ({_COLUMNS})")
        database.execute(f"INSERT INTO BIG SELECT {values} FROM range({ROWS}) AS R(I)")
        fetched = _rows_a_second(lambda: database.execute("SELECT * FROM BIG").df())
    return {
        "rows_per_s_export": round(exported),
        "rows_per_s_duckdb": round(fetched),
        "ratio": round(exported / fetched, 3),
    }


def _rows_a_second(fetch: Callable[[], Any]) -> float:
    """The best of a few rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        frame = fetch()
        best = min(best, time.perf_counter() - started)
        assert frame.shape == (ROWS, 5)
    return ROWS / best


def main() -> None:
    """Measure an engine that is started for it."""
    with tempfile.TemporaryDirectory() as folder:
        home = EngineHome(Path(folder) / "local")
        start(home, EngineSettings(port=0, workers=1))
        try:
            print(json.dumps(measure(home)))
        finally:
            stop(home)


if __name__ == "__main__":
    main()
