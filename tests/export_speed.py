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
_ROUNDS = 5
# A key, three dimensions and a measure. Texts that are all different cost pandas' own reader of CSV
# five times what DuckDB takes for them, whatever the engine does.
_COLUMNS = (
    "ID DECIMAL(18,0), COUNTRY VARCHAR(40), PRODUCT VARCHAR(40), STATUS VARCHAR(40),"
    " AMOUNT DECIMAL(12,2)"
)
_VALUES = (
    "I, 'country ' || {country}, 'product number ' || {product},"
    " CASE WHEN I < 500000 THEN 'delivered' ELSE 'open' END, CAST(I AS DECIMAL(12,2)) * 0.25"
)


def measure(home: EngineHome, **options: Any) -> dict[str, float]:
    """Rows a second of ``export_to_pandas``, of DuckDB's ``df``, and the first by the second.

    :param home: of an engine that runs.
    :param options: of the connection, beside user and password.
    """
    running = home.running()
    assert running is not None
    settings = {"user": USER, "password": home.password(), "encryption": False, **options}
    connection = pyexasol.connect(dsn=running.dsn, **settings)
    with connection, duckdb.connect() as database:
        _fill(connection, database)
        exported = fetched = float("inf")
        for _ in range(_ROUNDS):  # by turns, so that both meet the same machine
            exported = min(exported, _seconds(lambda: connection.export_to_pandas("BIG")))
            fetched = min(fetched, _seconds(lambda: database.execute("SELECT * FROM BIG").df()))
        connection.execute("DROP SCHEMA SPEED CASCADE")
    return {
        "rows_per_s_export": round(ROWS / exported),
        "rows_per_s_duckdb": round(ROWS / fetched),
        "ratio": round(fetched / exported, 3),
    }


def _fill(connection: Any, database: duckdb.DuckDBPyConnection) -> None:
    """The same table BIG in the engine and in a DuckDB of this process."""
    connection.execute("CREATE SCHEMA SPEED")
    connection.execute(f"CREATE TABLE BIG ({_COLUMNS})")
    digits = ", ".join(
        f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)" for n in range(6)
    )
    number = " + ".join(f"{10**n} * D{n}.N" for n in range(6))
    parts = {"country": "CAST(MOD(I, 200) AS VARCHAR(10))"}
    values = _VALUES.format(**parts, product="CAST(MOD(I, 1000) AS VARCHAR(10))")
    connection.execute(f"INSERT INTO BIG SELECT {values} FROM (SELECT {number} AS I FROM {digits})")
    values = _VALUES.format(country="I % 200", product="I % 1000")
    database.execute(f"CREATE TABLE BIG ({_COLUMNS})")
    database.execute(f"INSERT INTO BIG SELECT {values} FROM range({ROWS}) AS R(I)")


def _seconds(fetch: Callable[[], Any]) -> float:
    started = time.perf_counter()
    frame = fetch()
    elapsed = time.perf_counter() - started
    assert frame.shape == (ROWS, 5)
    return elapsed


def measure_apart() -> dict[str, float]:
    """:func:`measure` of an engine that is started for it."""
    with tempfile.TemporaryDirectory() as folder:
        home = EngineHome(Path(folder) / "local")
        start(home, EngineSettings(port=0, workers=1))
        try:
            return measure(home)
        finally:
            stop(home)


if __name__ == "__main__":
    print(json.dumps(measure_apart()))
