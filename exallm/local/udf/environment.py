"""What a statement gives to the UDF scripts that it calls."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exallm.local.udf.connection import Connection
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class StatementEnvironment:
    """The database side of one statement, and how its UDF processes are run.

    :param current_schema: the open schema, folded, None if there is none.
    :param scripts: ``SCHEMA.NAME`` to the body of each script that ``exa.import_script`` may load.
    :param connections: connection name, folded, to what ``exa.get_connection`` returns.
    :param buckets_root: the folder that scripts see as ``/buckets``: ``<service>/<bucket>/...``.
    :param interpreter: the command that starts Python, arguments included.
    :param worker_limit: the most processes that one call may have.
    :param reply_timeout_s: seconds after which a process that sends nothing is ended.
    :param memory_limit: bytes, as ``exa.meta.memory_limit`` tells them; nothing enforces it.
    """

    database_name: str = "EXALLM"
    database_version: str = "2025.2.0"
    current_user: str = "SYS"
    current_schema: str | None = None
    session_id: str = "0"
    statement_id: int = 1
    node_count: int = 1
    scripts: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    buckets_root: Path = Path("/buckets")
    interpreter: tuple[str, ...] = (sys.executable,)
    worker_limit: int = 1
    reply_timeout_s: float = 600.0
    memory_limit: int = 4 * 1024**3

    def __post_init__(self) -> None:
        if self.node_count != 1:
            raise ValueError("the embedded engine has one node")
        if not self.interpreter:
            raise ValueError("interpreter is empty")
        if self.worker_limit < 1:
            raise ValueError("worker_limit is below 1")
        if self.reply_timeout_s <= 0 or self.memory_limit <= 0:
            raise ValueError("reply_timeout_s and memory_limit must be above 0")

    def script_body(self, name: str, script_schema: str) -> str:
        """The body of a script for ``exa.import_script``.

        An unqualified name is looked up in the calling script's schema, then in the open one.
        Names are matched as written, then folded to upper case.

        :raises ExallmError: E-EXALLM-LOCAL-28 if there is no such script.
        """
        name = name.replace('"', "")
        names = [name]
        if "." not in name:
            schemas = [script_schema, self.current_schema]
            names = [f"{schema}.{name}" for schema in schemas if schema is not None]
        for candidate in names:
            for key in (candidate, candidate.upper()):
                if key in self.scripts:
                    return self.scripts[key]
        raise ExallmError(
            "E-EXALLM-LOCAL-28",
            f"exa.import_script found no script {name}",
            "name it with its schema, as SCHEMA.NAME",
        )

    def connection(self, name: str) -> Connection:
        """The connection for ``exa.get_connection``; matched as written, then folded.

        :raises ExallmError: E-EXALLM-LOCAL-29 if there is no such connection.
        """
        for key in (name, name.upper()):
            if key in self.connections:
                return self.connections[key]
        raise ExallmError(
            "E-EXALLM-LOCAL-29",
            f"connection {name} does not exist",
            "create it with CREATE CONNECTION",
        )
