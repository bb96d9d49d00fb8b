"""The object ``exa`` that every script finds among its globals."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.udf.connection import Connection
from exallm.local.udf.script import UdfScript


class Environment(Protocol):
    """What ``exa`` asks of the statement: ``StatementEnvironment``, or its image in a process."""

    @property
    def database_name(self) -> str: ...
    @property
    def database_version(self) -> str: ...
    @property
    def current_user(self) -> str: ...
    @property
    def scope_user(self) -> str | None: ...
    @property
    def current_schema(self) -> str | None: ...
    @property
    def session_id(self) -> str: ...
    @property
    def statement_id(self) -> int: ...
    @property
    def node_count(self) -> int: ...
    @property
    def memory_limit(self) -> int: ...

    def script_body(self, name: str, script_schema: str) -> str: ...

    def connection(self, name: str) -> Connection: ...


@dataclass(frozen=True)
class ColumnMetadata:
    """One column of ``exa.meta.input_columns`` or ``exa.meta.output_columns``."""

    name: str
    type: type
    sql_type: str
    precision: int | None
    scale: int | None
    length: int | None


@dataclass(frozen=True)
class Metadata:
    """``exa.meta``: the facts of the statement and of the script."""

    database_name: str
    database_version: str
    script_language: str
    script_name: str
    script_schema: str
    script_code: str
    current_user: str
    scope_user: str
    current_schema: str | None
    session_id: str
    statement_id: int
    node_count: int
    node_id: int
    vm_id: str
    memory_limit: int
    input_type: str
    output_type: str
    input_column_count: int
    input_columns: list[ColumnMetadata]
    output_column_count: int
    output_columns: list[ColumnMetadata]


class Exa:
    """``exa``: metadata, other scripts as modules, and connections.

    :param script: the script that runs.
    :param inputs: name as the script sees it, and type, of every input column.
    :param outputs: the output columns, none before dynamic ones are known.
    :param vm_id: what tells the processes of one call apart.
    """

    def __init__(
        self,
        script: UdfScript,
        inputs: Sequence[Column],
        outputs: Sequence[Column],
        environment: Environment,
        vm_id: str,
    ) -> None:
        self._script = script
        self._environment = environment
        self._modules: dict[str, ModuleType] = {}
        self.meta = Metadata(
            database_name=environment.database_name,
            database_version=environment.database_version,
            script_language=script.language,
            script_name=script.name,
            script_schema=script.schema,
            script_code=script.body,
            current_user=environment.current_user,
            scope_user=environment.scope_user or environment.current_user,
            current_schema=environment.current_schema,
            session_id=environment.session_id,
            statement_id=environment.statement_id,
            node_count=environment.node_count,
            node_id=0,
            vm_id=vm_id,
            memory_limit=environment.memory_limit,
            input_type=script.kind,
            output_type="RETURN" if script.output == "RETURNS" else "EMIT",
            input_column_count=len(inputs),
            input_columns=[_metadata(column) for column in inputs],
            output_column_count=len(outputs),
            output_columns=[_metadata(column) for column in outputs],
        )

    def import_script(self, name: str) -> ModuleType:
        """Run another script's body as a module, once a process; ``exa`` is among its globals.

        :raises ExallmError: E-EXALLM-LOCAL-28 if there is no such script.
        """
        if name not in self._modules:
            body = self._environment.script_body(name, self._script.schema)
            module = ModuleType(name)
            module.__dict__["exa"] = self
            exec(compile(body, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
            self._modules[name] = module
        return self._modules[name]

    def get_connection(self, name: str) -> Connection:
        """The connection with this name.

        :raises ExallmError: E-EXALLM-LOCAL-29 if there is no such connection.
        """
        return self._environment.connection(name)


def python_type(data_type: ExasolType) -> type:
    """The type of the values that a script gets for a column: int, float, str, ..."""
    if data_type.name == "DECIMAL":
        return decimal.Decimal if data_type.scale else int
    return {
        "BOOLEAN": bool,
        "DATE": datetime.date,
        "DOUBLE": float,
        "TIMESTAMP": datetime.datetime,
        "VARCHAR": str,
    }[data_type.name]


def _metadata(column: Column) -> ColumnMetadata:
    data_type = column.type
    is_decimal = data_type.name == "DECIMAL"
    return ColumnMetadata(
        name=column.name,
        type=python_type(data_type),
        sql_type=data_type.sql(),
        precision=data_type.precision if is_decimal else None,
        scale=data_type.scale if is_decimal else None,
        length=data_type.size if data_type.name == "VARCHAR" else None,
    )
