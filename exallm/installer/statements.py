"""Runs statements over one connection, with errors that name what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyexasol

from exallm_udfs.errors import ExallmError

_SHOWN = 80


def execute(connection: pyexasol.ExaConnection, sql: str) -> pyexasol.ExaStatement:
    """Run one statement.

    :raises ExallmError: E-EXALLM-DEPLOY-1 with the database's own error.
    """
    try:
        return connection.execute(sql)
    except pyexasol.ExaQueryError as error:
        raise ExallmError(
            "E-EXALLM-DEPLOY-1",
            f"the database refused {_first_words(sql)}: [{error.code}] {error.message}",
            "its transaction was not kept",
        ) from error


def run(connection: pyexasol.ExaConnection, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement; its rows, none for one without a result. Raises as ``execute``."""
    result = execute(connection, sql)
    rows: list[tuple[Any, ...]] = result.fetchall() if result.result_type == "resultSet" else []
    return rows


def value(connection: pyexasol.ExaConnection, sql: str) -> Any:
    """The first value of a query, None for no rows."""
    rows: Sequence[tuple[Any, ...]] = run(connection, sql)
    return rows[0][0] if rows else None


def _first_words(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + " ..."
