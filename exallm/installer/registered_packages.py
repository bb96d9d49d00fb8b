"""Where the packages lie that installations in a database have registered."""

from __future__ import annotations

import pyexasol

from exallm.installer.statements import run
from exallm.sql_text import quote_identifier, quote_text


def registered_paths(connection: pyexasol.ExaConnection, schema: str) -> set[str]:
    """Folders, as UDFs see them, of every version that a schema has ever registered."""
    rows = run(connection, f"SELECT PACKAGE_PATH FROM {quote_identifier(schema)}.MODEL_VERSIONS")
    return {path.rstrip("/") for (path,) in rows}


def paths_of_others(connection: pyexasol.ExaConnection, schema: str) -> set[str]:
    """The same of all other installations that the user may see: a bucket can serve several."""
    others = run(
        connection,
        "SELECT COLUMN_SCHEMA FROM EXA_ALL_COLUMNS WHERE COLUMN_TABLE = 'MODEL_VERSIONS'"
        f" AND COLUMN_NAME = 'PACKAGE_PATH' AND COLUMN_SCHEMA <> {quote_text(schema)}",
    )
    return {path for (other,) in others for path in registered_paths(connection, other)}
