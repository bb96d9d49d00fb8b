"""Calls of UDF scripts in worker processes, for the tests of those."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow
import pytest

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.invocation import Invocation
from exallm.local.udf.script import UdfScript, parse_udf_script

INT_TO_INT = "SCALAR SCRIPT f(x INT) RETURNS DECIMAL(36,0)"
TEXT_TO_TEXT = "SCALAR SCRIPT f(x VARCHAR(2000000)) RETURNS VARCHAR(2000000)"
ECHO = "def run(ctx):\n    return ctx[0]"
ENVIRONMENT = StatementEnvironment(reply_timeout_s=20)


def script(head: str, body: str) -> UdfScript:
    return parse_udf_script(f"CREATE PYTHON3 {head} AS\n{body}\n/", "S")


@contextmanager
def call(
    head: str,
    body: str,
    environment: StatementEnvironment = ENVIRONMENT,
    arguments: tuple[Column, ...] | None = None,
    outputs: tuple[Column, ...] | None = None,
) -> Iterator[Invocation]:
    parsed = script(head, body)
    invocation = Invocation(parsed, arguments or parsed.inputs or (), outputs, environment)
    try:
        yield invocation
    finally:
        invocation.abort()


def batch(*columns: Any) -> pyarrow.RecordBatch:
    arrays = [each if isinstance(each, pyarrow.Array) else pyarrow.array(each) for each in columns]
    return pyarrow.RecordBatch.from_arrays(arrays, [f"c{index}" for index in range(len(arrays))])


def numbers(count: int) -> pyarrow.RecordBatch:
    return batch(list(range(count)))


def values(head: str, body: str, rows: pyarrow.RecordBatch, **options: Any) -> list[Any]:
    with call(head, body, **options) as invocation:
        found: list[Any] = invocation.scalar_values(rows).to_pylist()
        return found


def failure(head: str, body: str, rows: pyarrow.RecordBatch, **options: Any) -> SqlError:
    with pytest.raises(SqlError) as caught:
        values(head, body, rows, **options)
    return caught.value
