"""What a statement gives to the UDF scripts that it calls."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exallm.local.product import DATABASE_NAME, DATABASE_VERSION
from exallm.local.udf.connection import Connection
from exallm.local.udf.container import BUILTIN, Container, open_container
from exallm.local.udf.isolation import Isolation
from exallm_udfs.errors import ExallmError

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class StatementEnvironment:
    """The database side of one statement, and how its UDF processes are run.

    :param current_user: whose session it is.
    :param scope_user: whose rights hold: the owner of the innermost view around the call, None for
        the current user.
    :param current_schema: the open schema, folded, None if there is none.
    :param scripts: ``SCHEMA.NAME`` to the body of each script that ``exa.import_script`` may load,
        None for a script that the scope user may not execute.
    :param connections: connection name, folded, to what ``exa.get_connection`` returns, None for
        one that the scope user may not read.
    :param buckets_root: the folder that scripts see as ``/buckets``: ``<service>/<bucket>/...``.
    :param interpreter: the command that starts the engine's own Python, arguments included.
    :param languages: alias of a script language to what SCRIPT_LANGUAGES says; one that is not
        there is the engine's own Python.
    :param worker_limit: the most processes that one call may have.
    :param reply_timeout_s: seconds after which a process that sends nothing is ended.
    :param memory_limit: bytes that a process and those it starts may have in all, as
        ``exa.meta.memory_limit`` tells them.
    :param isolation: what the processes may reach.
    """

    database_name: str = DATABASE_NAME
    database_version: str = DATABASE_VERSION
    current_user: str = "SYS"
    scope_user: str | None = None
    current_schema: str | None = None
    session_id: str = "0"
    statement_id: int = 1
    node_count: int = 1
    scripts: Mapping[str, str | None] = field(default_factory=dict)
    connections: Mapping[str, Connection | None] = field(default_factory=dict)
    buckets_root: Path = Path("/buckets")
    interpreter: tuple[str, ...] = (sys.executable,)
    languages: Mapping[str, str] = field(default_factory=dict)
    worker_limit: int = 1
    reply_timeout_s: float = 600.0
    memory_limit: int = 4 * 1024**3
    isolation: Isolation = field(default_factory=Isolation)

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

        :raises ExallmError: E-EXALLM-LOCAL-28 if there is no such script, -44 if the scope user may
            not execute it.
        """
        name = _QUOTED.sub(lambda part: part[1].replace('""', '"'), name)
        names = [name]
        if "." not in name:
            schemas = [script_schema, self.current_schema]
            names = [f"{schema}.{name}" for schema in schemas if schema is not None]
        for candidate in names:
            for key in (candidate, candidate.upper()):
                if key in self.scripts:
                    return self._allowed_body(key)
        raise ExallmError(
            "E-EXALLM-LOCAL-28",
            f"exa.import_script found no script {name}",
            "name it with its schema, as SCHEMA.NAME",
        )

    def container(self, language: str) -> Container | None:
        """The container behind an alias, None where it is the engine's own Python.

        :raises ExallmError: E-EXALLM-LOCAL-35 and -36 where the container cannot run.
        """
        return open_container(self.languages.get(language, BUILTIN), self.buckets_root)

    def connection(self, name: str) -> Connection:
        """The connection for ``exa.get_connection``; matched as written, then folded.

        :raises ExallmError: E-EXALLM-LOCAL-29 if there is no such connection, -45 if the scope user
            may not read it.
        """
        for key in (name, name.upper()):
            if key in self.connections:
                return self._allowed_connection(key)
        raise ExallmError(
            "E-EXALLM-LOCAL-29",
            f"connection {name} does not exist",
            "create it with CREATE CONNECTION",
        )

    def _allowed_body(self, name: str) -> str:
        body = self.scripts[name]
        if body is None:
            raise ExallmError(
                "E-EXALLM-LOCAL-44",
                f"insufficient privileges for executing script {name}",
                f"grant EXECUTE on it to {self.scope_user or self.current_user}",
            )
        return body

    def _allowed_connection(self, name: str) -> Connection:
        connection = self.connections[name]
        if connection is None:
            raise ExallmError(
                "E-EXALLM-LOCAL-45",
                f"insufficient privileges for using connection {name}",
                f"grant ACCESS ANY CONNECTION to {self.scope_user or self.current_user}",
            )
        return connection
