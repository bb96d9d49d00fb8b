"""Scripts made of a few lines, on a virtual machine in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm.local.udf.connection import Connection
from exallm.local.udf.context import ListedRows
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.script import parse_columns, parse_udf_script
from exallm.local.udf.virtual_machine import VirtualMachine

ENVIRONMENT = StatementEnvironment(
    current_user="ANALYST",
    current_schema="OPEN_SCHEMA",
    session_id="17",
    scripts={
        "S.LIB": "CALLS = []\ndef f(x):\n    CALLS.append(x)\n    return len(CALLS)",
        "OPEN_SCHEMA.OTHER": "USER = exa.meta.current_user",
    },
    connections={"HUB": Connection("password", "http://hub", "me", "secret")},
)


def machine(
    head: str, body: str, arguments: str | None = None, outputs: str | None = None
) -> VirtualMachine:
    script = parse_udf_script(f"CREATE PYTHON3 {head} AS\n{body}\n/", "S")
    inputs: tuple[Column, ...] = script.inputs or ()
    if arguments is not None:
        inputs = parse_columns(arguments)
    columns = script.emits if outputs is None else parse_columns(outputs)
    return VirtualMachine(script, inputs, columns, ENVIRONMENT)


def body_of(*lines: str) -> str:
    return "\n".join(["def run(ctx):", *(f"    {line}" for line in lines)])


def scalar(body: str, value: Any = "a", returns: str = "VARCHAR(2000000)") -> Any:
    vm = machine(f"SCALAR SCRIPT f(x VARCHAR(100)) RETURNS {returns}", body)
    return vm.scalar_values([(value,)])[0]


def emitted(body: str, columns: str, rows: Sequence[tuple[Any, ...]] = ((1,), (2,))) -> list[Any]:
    vm = machine(f"SET SCRIPT f(x INT) EMITS ({columns})", body)
    out: list[Any] = []
    vm.group_rows(ListedRows(rows), lambda _origins, some: out.extend(some))
    return out


def of_group(body: str, rows: Sequence[tuple[Any, ...]]) -> Any:
    vm = machine("SET SCRIPT f(x INT, y VARCHAR(9)) RETURNS VARCHAR(2000000)", body)
    return vm.group_value(ListedRows(rows))


def error_of(call: Any) -> str:
    with pytest.raises(SqlError) as caught:
        call()
    assert caught.value.code == "22002"
    return caught.value.text
