"""DuckDB's errors as Exasol would send them."""

from __future__ import annotations

import logging
import re

import duckdb

from exallm.local.sql.names import shown
from exallm.local.sql_error import SqlError

_LOG = logging.getLogger(__name__)
_RAISED = re.compile(r"\[([0-9A-Z]{5})\] (.*)", re.DOTALL)
_MISSING = re.compile(
    r"(?:Table with name (\S+) does not exist|Referenced (?:column|table) \"([^\"]+)\" not found)"
)
_POSITION = re.compile(r"\n\s*\n?LINE \d+:.*", re.DOTALL)


def sql_error(error: Exception) -> SqlError:
    """The error to send for one that DuckDB or the session raised."""
    if isinstance(error, SqlError):
        return error
    text = shown(_POSITION.sub("", str(error))).strip()
    raised = _RAISED.search(text)
    if raised:
        return SqlError(raised[1], raised[2])
    if isinstance(error, (duckdb.IOException, OSError)) or "Could not write file" in text:
        return SqlError("40005", f"E-EXALLM-LOCAL-7: the disk refused: {_plain(text)}")
    if isinstance(error, duckdb.ConstraintException):
        return _constraint(text)
    if isinstance(error, duckdb.TransactionException):
        return _transaction(text)
    if isinstance(error, duckdb.ConversionException):
        if "DECIMAL" in text:  # texts that are no numbers have failed before
            return SqlError("22003", "data exception - numeric value out of range.")
        return SqlError("22018", f"data exception - {_plain(text)}")
    if isinstance(error, duckdb.OutOfRangeException):
        return SqlError("22003", "data exception - numeric value out of range.")
    if isinstance(error, duckdb.OutOfMemoryException):
        return SqlError("R0010", f"out of memory: {_plain(text)}")
    if isinstance(error, UnicodeError):
        return SqlError("42000", "syntax error, the statement is not valid UTF-8")
    if isinstance(error, RecursionError):
        return SqlError("42000", "statement too complex: nested too deeply")
    if "ivision by zero" in text:
        return SqlError("22012", "data exception - division by zero.")
    if not isinstance(error, duckdb.Error):
        _LOG.error("a statement failed in the engine itself", exc_info=error)
        return SqlError("42000", f"internal error of the embedded engine: {_plain(text)}")
    missing = _MISSING.search(text)
    if missing:
        return SqlError("42000", f"object {missing[1] or missing[2]} not found")
    return SqlError("42000", _plain(text))


def _constraint(text: str) -> SqlError:
    if "CHECK constraint failed" in text and "length(" in text:
        return SqlError("22001", "data exception - string data, right truncation.")
    if "NOT NULL" in text:
        column = text.rsplit(".", 1)[-1]
        return SqlError("27002", f"constraint violation - not null ({column})")
    if "duplicate key" in text.lower():
        return SqlError("27001", f"constraint violation - primary key ({_plain(text)})")
    return SqlError("27000", f"constraint violation - {_plain(text)}")


def _transaction(text: str) -> SqlError:
    if "duplicate key" in text.lower():
        return SqlError("27001", f"constraint violation - primary key ({_plain(text)})")
    return SqlError(
        "40001",
        "GlobalTransactionRollback msg: Transaction collision: automatic transaction rollback."
        f" ({_plain(text)})",
    )


def _plain(text: str) -> str:
    """The text without DuckDB's class of the error and its suggestions."""
    first = text.split("\n")[0]
    return re.sub(r"^[A-Za-z ]+ Error: ", "", first)
