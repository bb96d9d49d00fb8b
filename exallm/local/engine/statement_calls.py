"""The script calls of one statement, from DuckDB's rows to worker processes and back."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from exallm.local.engine.call_table import CallTable
from exallm.local.engine.groups import grouped
from exallm.local.engine.result import arrow_schema, exasol_type
from exallm.local.exasol_type import Column
from exallm.local.sql.names import MARK
from exallm.local.sql.scope import EmittingCall
from exallm.local.sql.script_calls import NO_ARGUMENTS
from exallm.local.sql_error import SqlError
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.invocation import Invocation
from exallm.local.udf.script import UdfScript

_BATCH_ROWS = 2048
_relation_numbers = itertools.count(1)


class StatementCalls:
    """Runs the calls of one statement; ``close`` ends their processes.

    :param environment: makes what scripts see, for the user whose rights hold where they are
        called; asked once for each, and only if a script is called.
    """

    def __init__(
        self,
        table: CallTable,
        connection: duckdb.DuckDBPyConnection,
        environment: Callable[[str], StatementEnvironment],
    ) -> None:
        self._table = table
        self._connection = connection
        self._make_environment = environment
        self._environments: dict[str, StatementEnvironment] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._relations: list[str] = []
        self._invocations: list[Invocation] = []
        self._endings: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._aborted: SqlError | None = None
        self.failure: SqlError | None = None

    def add(self, script: UdfScript, scope_user: str) -> int:
        """Register a call that returns values; its number in the call table."""
        environment = self._environment(scope_user)
        # One number a script: DuckDB then sees that f(x) in SELECT and GROUP BY are the same.
        key = (script.qualified_name, scope_user)
        if key not in self._numbers:
            self._numbers[key] = self._table.add(_Values(self, script, environment))
        return self._numbers[key]

    def emitted(self, emitting: EmittingCall) -> tuple[str, tuple[Column, ...]]:
        """Run a call that emits rows; the relation that holds them, the emitted columns."""
        self._environment(emitting.scope_user)
        # An open reader would keep DuckDB from ending the transaction.
        with self._connection.sql(emitting.query).to_arrow_reader(_BATCH_ROWS) as reader:
            table, columns = self._rows_emitted(emitting, reader)
        return _registered(self._connection, self._relations, table), columns

    def _rows_emitted(
        self, emitting: EmittingCall, reader: Any
    ) -> tuple[pa.Table, tuple[Column, ...]]:
        skipped = emitting.passed + emitting.keys
        fields = list(reader.schema)
        arguments = fields[skipped : skipped + emitting.arguments]
        invocation = self.invocation(
            emitting.script,
            self._environment(emitting.scope_user),
            [field.type for field in arguments],
            emitting.outputs,
        )
        columns = invocation.output_columns()
        schema = pa.schema([*fields[: emitting.passed], *arrow_schema(columns)])
        batches = (batch.select(range(skipped + emitting.arguments)) for batch in reader)
        if emitting.script.kind == "SET":
            rows = invocation.group_rows(grouped(batches, emitting.keys))
        else:
            rows = _scalar_rows(invocation, batches, emitting.passed, schema)
        return pa.Table.from_batches(list(rows), schema), columns

    def without_running(self) -> WithoutRunning:
        """Calls of which only the columns matter."""
        return WithoutRunning(self._connection, self._relations)

    def invocation(
        self,
        script: UdfScript,
        environment: StatementEnvironment,
        argument_types: list[pa.DataType],
        outputs: tuple[Column, ...] | None,
    ) -> Invocation:
        """Start a script for arguments of these types."""
        arguments = script.inputs
        if arguments is None:
            arguments = tuple(
                Column(str(number), exasol_type(kind)) for number, kind in enumerate(argument_types)
            )
        invocation = Invocation(script, arguments, outputs, environment)
        with self._lock:
            self._invocations.append(invocation)
            aborted = self._aborted
        if aborted is not None:
            invocation.abort()
            raise aborted
        return invocation

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` from another thread where the statement is aborted in the meantime."""
        with self._lock:
            self._endings.append(end)
            aborted = self._aborted
        try:
            if aborted is not None:
                raise aborted
            yield
        finally:
            with self._lock:
                self._endings.remove(end)

    def abort(self, error: SqlError) -> None:
        """End all processes and transfers at once, from another thread."""
        with self._lock:
            self._aborted = error
            invocations = list(self._invocations)
            for end in self._endings:
                end()
        for invocation in invocations:
            invocation.abort()

    def close(self) -> None:
        """End the processes and forget the calls and relations."""
        for number in self._numbers.values():
            self._table.remove(number)
        for relation in self._relations:
            self._connection.unregister(relation)
        invocations, self._invocations = self._invocations, []
        self._numbers, self._relations = {}, []
        with ExitStack() as stack:  # all are closed, also where a script's cleanup() raises
            for invocation in invocations:
                stack.callback(invocation.close)

    def _environment(self, scope_user: str) -> StatementEnvironment:
        if scope_user not in self._environments:
            self._environments[scope_user] = self._make_environment(scope_user)
        return self._environments[scope_user]


class WithoutRunning:
    """Stands in for the calls of a query that is only to be checked, as a view's is."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        relations: list[str],
    ) -> None:
        self._connection = connection
        self._relations = relations

    def add(self, script: UdfScript, scope_user: str) -> int:
        """No call: DuckDB reads the number when it runs a query, which this one never is."""
        return 0

    def emitted(self, emitting: EmittingCall) -> tuple[str, tuple[Column, ...]]:
        """An empty relation with the columns of the call."""
        with self._connection.sql(emitting.query).to_arrow_reader(1) as reader:
            described = reader.schema
        columns = emitting.outputs or emitting.script.emits
        if columns is None:
            raise SqlError(
                "42000", f"script {emitting.script.name} needs EMITS (...) inside a view"
            )
        schema = pa.schema([*list(described)[: emitting.passed], *arrow_schema(columns)])
        table = pa.Table.from_batches([], schema)
        return _registered(self._connection, self._relations, table), columns


def _registered(
    connection: duckdb.DuckDBPyConnection, relations: list[str], table: pa.Table
) -> str:
    """Make emitted rows a relation with columns c0, c1, ...; its name, which no user can write."""
    name = f"{MARK}emitted{next(_relation_numbers)}"
    connection.register(name, table.rename_columns([f"c{i}" for i in range(table.num_columns)]))
    relations.append(name)
    return name


class _Values:
    """A call that returns a value for each row (SCALAR) or group (SET)."""

    def __init__(
        self, owner: StatementCalls, script: UdfScript, environment: StatementEnvironment
    ) -> None:
        self._owner = owner
        self._script = script
        self._environment = environment
        self._lock = threading.Lock()
        self._invocations: dict[tuple[pa.DataType, ...], Invocation] = {}

    def values(self, columns: list[pa.Array], rows: int) -> pa.Array:
        """The results, as text where the script returns a DECIMAL."""
        try:
            if self._script.kind == "SCALAR":
                values = self._of_rows(columns, rows)
            else:
                values = self._of_groups(columns[0])
        except SqlError as error:
            self._owner.failure = error
            raise
        returns = self._script.returns
        is_decimal = returns is not None and returns.name == "DECIMAL"
        return values.cast(pa.string()) if is_decimal else values

    def _of_rows(self, columns: list[pa.Array], rows: int) -> pa.Array:
        batch = pa.RecordBatch.from_arrays(
            [*columns, pa.nulls(rows)], names=[str(number) for number in range(len(columns) + 1)]
        ).select(range(len(columns)))  # from no arrays, a batch would have no rows
        return self._started(batch).scalar_values(batch)

    def _of_groups(self, lists: pa.ListArray) -> pa.Array:
        groups = [_group(rows.values) for rows in lists if rows.is_valid]
        if not groups:
            return pa.nulls(len(lists), pa.string())
        values = self._started(groups[0]).group_values(groups)
        places = iter(range(len(groups)))
        return values.take(
            pa.array([next(places) if rows.is_valid else None for rows in lists], pa.int64())
        )

    def _started(self, batch: pa.RecordBatch) -> Invocation:
        # Only a variadic script can be called with several lists of types.
        types = [field.type for field in batch.schema]
        key = tuple(types) if self._script.inputs is None else ()
        with self._lock:
            if key not in self._invocations:
                self._invocations[key] = self._owner.invocation(
                    self._script, self._environment, types, None
                )
            return self._invocations[key]


def _group(rows: pa.StructArray) -> pa.RecordBatch:
    batch = pa.RecordBatch.from_struct_array(rows)
    return batch.select([]) if batch.schema.names == [NO_ARGUMENTS] else batch


def _scalar_rows(
    invocation: Invocation, reader: Any, passed: int, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        columns = batch.columns
        arguments = pa.RecordBatch.from_arrays(
            columns[passed:], schema=pa.schema(list(batch.schema)[passed:])
        )
        places, rows = invocation.scalar_rows(arguments)
        kept = [column.take(places) for column in columns[:passed]]
        yield pa.RecordBatch.from_arrays([*kept, *rows.columns], schema=schema)
