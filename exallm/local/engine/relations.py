"""Arrow tables under a name, for a while, so that DuckDB's SQL can read them."""

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
