"""The DuckDB database beneath the embedded engine, and what all sessions share."""

from __future__ import annotations

import itertools
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from exallm.local.engine.call_table import CallTable
from exallm.local.engine.helper_functions import register_helpers
from exallm.local.engine.macros import create_macros
from exallm.local.engine.open_sessions import OpenSessions
from exallm.local.engine.principals import PRINCIPAL_TABLES, Principals
from exallm.local.timestamp_format import ISO_FORMAT
from exallm.local.transport.tunnels import Tunnels
from exallm.local.udf.isolation import Isolation

DEFAULT_PARAMETERS = {
    "DEFAULT_LIKE_ESCAPE_CHARACTER": "\\",
    "HASHTYPE_FORMAT": "HEX",
    "NLS_DATE_FORMAT": "YYYY-MM-DD",
    "IDLE_TIMEOUT": "86400",
    "NLS_DATE_LANGUAGE": "ENG",
    "NLS_FIRST_DAY_OF_WEEK": "7",
    "NLS_NUMERIC_CHARACTERS": ".,",
    "NLS_TIMESTAMP_FORMAT": ISO_FORMAT.text,
    "PROFILE": "OFF",
    "QUERY_CACHE": "OFF",
    "QUERY_TIMEOUT": "0",
    "SCRIPT_LANGUAGES": "PYTHON3=builtin_python3",
    "SQL_PREPROCESSOR_SCRIPT": "",
    "TIMESTAMP_ARITHMETIC_BEHAVIOR": "INTERVAL",
    "TIME_ZONE": "UTC",
    "TIME_ZONE_BEHAVIOR": "INVALID SHIFT AMBIGUOUS ST",
}

_LOG_BYTES = 64 * 1024 * 1024

_CATALOG = (
    "CREATE SCHEMA IF NOT EXISTS _exallm",
    "CREATE TABLE IF NOT EXISTS _exallm.schemas (name VARCHAR PRIMARY KEY, owner VARCHAR,"
    " remark VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _exallm.scripts (schema_name VARCHAR, name VARCHAR, kind VARCHAR,"
    " language VARCHAR, input_type VARCHAR, result_type VARCHAR, statement VARCHAR,"
    " PRIMARY KEY (schema_name, name))",
    "CREATE TABLE IF NOT EXISTS _exallm.views (schema_name VARCHAR, name VARCHAR,"
    " statement VARCHAR, query VARCHAR, columns VARCHAR[], current_schema VARCHAR,"
    " PRIMARY KEY (schema_name, name))",
    "CREATE TABLE IF NOT EXISTS _exallm.view_columns (schema_name VARCHAR, view_name VARCHAR,"
    " place INTEGER, column_name VARCHAR, type VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _exallm.connections (name VARCHAR PRIMARY KEY, address VARCHAR,"
    " user_name VARCHAR, password VARCHAR, remark VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _exallm.parameters (name VARCHAR PRIMARY KEY, value VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _exallm.remarks (kind VARCHAR, schema_name VARCHAR, name VARCHAR,"
    " remark VARCHAR, PRIMARY KEY (kind, schema_name, name))",
)


@dataclass(frozen=True)
class DatabaseSettings:
    """How a database runs.

    :param file: DuckDB's file; it is created where there is none.
    :param buckets_root: folder of the BucketFS files that scripts see as ``/buckets``.
    :param worker_limit: the most UDF processes that one call may have.
    :param reply_timeout_s: seconds after which a silent UDF process is ended.
    :param interpreter: the command that starts Python for UDF processes.
    :param memory_limit: bytes that a UDF process and those it starts may have in all.
    :param isolation: what UDF processes may reach.
    """

    file: Path
    buckets_root: Path
    worker_limit: int = 2
    reply_timeout_s: float = 600.0
    interpreter: tuple[str, ...] = field(default=(sys.executable,))
    memory_limit: int = 4 * 1024**3
    isolation: Isolation = field(default_factory=Isolation)


class Database:
    """One open database.

    DuckDB is shut off from files and the network: only what the engine's own SQL does reaches
    the data, and lengths, NULLs and scripts are the engine's business.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.calls = CallTable()
        self.sessions = OpenSessions()
        self.tunnels = Tunnels()
        self._root = duckdb.connect(
            str(settings.file),
            config={
                "enable_external_access": "false",
                "python_enable_replacements": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                # A checkpoint that a full disk interrupts makes DuckDB give up the database;
                # a commit that it interrupts is only rolled back. So none comes by itself.
                "checkpoint_threshold": "1TB",
            },
        )
        self._root.execute("SET TimeZone = 'UTC'") if _has_time_zone(self._root) else None
        for statement in (*_CATALOG, *PRINCIPAL_TABLES):
            self._root.execute(statement)
        for name, value in DEFAULT_PARAMETERS.items():
            self._root.execute(
                "INSERT INTO _exallm.parameters VALUES (?, ?) ON CONFLICT DO NOTHING", [name, value]
            )
        register_helpers(self._root)
        create_macros(self._root)
        self.calls.register(self._root)
        self._root.execute("SET lock_configuration = true")
        self._sessions = itertools.count(1)

    def connect(self) -> tuple[duckdb.DuckDBPyConnection, int]:
        """A connection for a session, and the session's number."""
        connection = self._root.cursor()
        connection.execute(
            "CREATE TEMP TABLE exallm_session_parameters (name VARCHAR, value VARCHAR)"
        )
        return connection, next(self._sessions)

    def knows(self, user: str, password: bytes) -> bool:
        """Whether a user other than SYS has this password."""
        return Principals(self._root.cursor()).knows(user, password)

    def checkpoint_if_due(self) -> None:
        """Move a long log of changes into the file, where the disk has room for it for certain."""
        log = self.settings.file.with_name(self.settings.file.name + ".wal")
        if not log.exists() or log.stat().st_size < _LOG_BYTES:
            return
        needed = 2 * (log.stat().st_size + self.settings.file.stat().st_size)
        if shutil.disk_usage(log.parent).free < needed:
            return
        with suppress(duckdb.TransactionException):  # others are in transactions: it comes later
            self._root.cursor().execute("CHECKPOINT")

    def close(self) -> None:
        """Write everything to the file and let it go."""
        self._root.close()


def _has_time_zone(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM duckdb_settings() WHERE name = 'TimeZone'"
    ).fetchone()
    return bool(row and row[0])
