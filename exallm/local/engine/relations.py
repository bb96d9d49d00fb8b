"""What DuckDB's SQL reads and changes: Arrow tables under a name for a while, and rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Make a table a relation of this name."""
    connection.register(name, table)
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # with a lost transaction the relation is lost as well
            connection.unregister(name)
        raise
    connection.unregister(name)


def changed_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Run an INSERT, UPDATE, DELETE or MERGE; how many rows it changed."""
    return int(connection.execute(sql).fetchall()[0][0])
