"""One call of a UDF script in a statement: the engine's way into the UDF runtime."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm.local.udf.arrow_values import arrow_type, prepare_columns, read_columns
from exallm.local.udf.channel import FrameError
from exallm.local.udf.dispatch import Dispatch
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.group_tasks import GroupTasks
from exallm.local.udf.scalar_tasks import RowPace, ScalarTasks
from exallm.local.udf.script import UdfScript, parse_columns
from exallm.local.udf.worker_pool import WorkerPool
from exallm.local.udf.worker_process import WorkerProcess


class Invocation:
    """Runs a script's rows in processes of its own, until :meth:`close` or :meth:`abort`.

    Of the four row methods use the one that fits the script; several threads may call
    ``scalar_values`` and ``scalar_rows`` at a time. Each of them raises ``SqlError``: 22002 for
    what the script raises or a process that dies, 22001 and 22003 for values that do not fit,
    22018 for an input value that cannot be cast, R0001 for a process that is silent for too long,
    R0003 after an abort. Input batches have one column a parameter, in order, of types near the
    declared ones.

    :param script: the script.
    :param arguments: the declared parameters, or for a variadic script columns named 0, 1, ...
        with the types found in the SQL.
    :param outputs: the columns that the SELECT gives after EMITS, None if it gives none.
    :param environment: what the statement gives to its scripts.
    """

    def __init__(
        self,
        script: UdfScript,
        arguments: tuple[Column, ...],
        outputs: tuple[Column, ...] | None,
        environment: StatementEnvironment,
    ) -> None:
        if outputs is not None and script.returns is not None:
            raise ValueError("a RETURNS script has no output columns")
        self._script = script
        self._arguments = arguments
        self._environment = environment
        self._outputs = outputs if script.emits is None else script.emits
        self._outputs_lock = threading.Lock()
        self._pace = RowPace()
        limit = min(environment.worker_limit, script.options.instance_limit or 2**31)
        self._pool = WorkerPool(self._start_worker, limit)

    def output_columns(self) -> tuple[Column, ...]:
        """The columns that the script emits; a dynamic script without given ones is asked.

        :raises SqlError: 42000 if it does not say, 0A000 for a type that is not supported.
        """
        with self._outputs_lock:
            if self._outputs is None:
                self._outputs = self._ask_for_columns()
            return self._outputs

    def scalar_values(self, rows: pyarrow.RecordBatch) -> pyarrow.Array:
        """SCALAR RETURNS: a value a row, in order."""
        parts = sorted(self._scalar_results(rows, False), key=lambda result: result.start)
        return self._value_array([part.columns[0] for part in parts])

    def scalar_rows(self, rows: pyarrow.RecordBatch) -> tuple[pyarrow.Array, pyarrow.RecordBatch]:
        """SCALAR EMITS: the input row's position (int64) for every emitted row, and these rows."""
        parts = [result for result in self._scalar_results(rows, True) if result.origins]
        # Frames of one piece come in order, and sorting keeps it.
        parts.sort(key=lambda result: result.start)
        origins = [origin for part in parts for origin in part.origins]
        batches = [self._batch(part.columns) for part in parts]
        return pyarrow.array(origins, pyarrow.int64()), self._combined(batches)

    def group_values(self, groups: Iterable[pyarrow.RecordBatch]) -> pyarrow.Array:
        """SET RETURNS: a value a group, in order; NULL for a group without rows."""
        tasks = self._group_tasks(((group,) for group in groups), False)
        found = {result.index: result.columns[0] for result in self._results(tasks)}
        missing = pyarrow.nulls(1, self._value_type())
        return self._value_array([found.get(index, missing) for index in range(tasks.count)])

    def group_rows(
        self, groups: Iterable[Iterable[pyarrow.RecordBatch]]
    ) -> Iterator[pyarrow.RecordBatch]:
        """SET EMITS: the emitted rows of all groups, about 4 MB at a time, in no set order.

        A group is forwarded batch by batch; the process that gets it holds it, in memory up to
        32 MB and in a temporary file beyond, and runs the script when it is whole. Each group is
        read to its end before the next one is asked for. Groups without rows are passed over.
        Closing the iterator ends the processes that are still busy.
        """
        tasks = self._group_tasks(groups, True)
        for result in self._results(tasks):
            if result.columns is not None:
                yield self._batch(result.columns)

    def close(self) -> None:
        """Run the script's ``cleanup()`` in every idle process, wait briefly, end them all.

        :raises SqlError: what a ``cleanup()`` raised, once every process has ended.
        """
        self._pool.close()

    def abort(self, reason: str = "a user request") -> None:
        """End every process at once, from any thread; pending calls raise ``SqlError`` R0003."""
        self._pool.abort(reason)

    def _start_worker(self) -> WorkerProcess:
        outputs = () if self._script.returns is not None else self.output_columns()
        return WorkerProcess(self._script, self._arguments, outputs, self._environment)

    def _ask_for_columns(self) -> tuple[Column, ...]:
        worker = WorkerProcess(self._script, self._arguments, (), self._environment)
        try:
            worker.send({"op": "default_columns"})
            message = worker.await_frame(self._environment.reply_timeout_s)
            if message is None:
                raise worker.silence()
            if not isinstance(message.get("text"), str):
                raise worker.refusal(FrameError("columns that are no text"))
        except SqlError:
            worker.close()
            raise
        worker.finish(self._environment.reply_timeout_s)
        return parse_columns(message["text"])

    def _scalar_results(self, rows: pyarrow.RecordBatch, emits: bool) -> list[Any]:
        tasks = ScalarTasks(
            prepare_columns(rows, self._arguments),
            rows.num_rows,
            rows.nbytes,
            self._pool.limit,
            emits,
            self._pace,
            self._read_columns,
        )
        return list(self._results(tasks))

    def _group_tasks(
        self, groups: Iterable[Iterable[pyarrow.RecordBatch]], emits: bool
    ) -> GroupTasks:
        return GroupTasks(groups, self._arguments, emits, self._read_columns)

    def _results(self, tasks: ScalarTasks | GroupTasks) -> Iterator[Any]:
        return Dispatch(self._pool, tasks, self._environment.reply_timeout_s).results()

    def _read_columns(self, values: Any, count: int) -> list[pyarrow.Array]:
        return read_columns(values, self._result_columns(), count)

    def _result_columns(self) -> Sequence[Column]:
        if self._script.returns is not None:
            return (Column("RETURN", self._script.returns),)
        return self.output_columns()

    def _value_type(self) -> Any:
        return arrow_type(self._result_columns()[0].type)

    def _value_array(self, parts: list[pyarrow.Array]) -> pyarrow.Array:
        if not parts:
            return pyarrow.array([], self._value_type())
        try:
            return pyarrow.concat_arrays(parts)
        except pyarrow.ArrowInvalid as error:
            raise _too_much_text() from error

    def _batch(self, columns: list[pyarrow.Array]) -> pyarrow.RecordBatch:
        return pyarrow.RecordBatch.from_arrays(columns, schema=self._schema())

    def _schema(self) -> pyarrow.Schema:
        return pyarrow.schema(
            [(column.name, arrow_type(column.type)) for column in self.output_columns()]
        )

    def _combined(self, batches: list[pyarrow.RecordBatch]) -> pyarrow.RecordBatch:
        if not batches:
            arrays = [pyarrow.array([], field.type) for field in self._schema()]
            return self._batch(arrays)
        try:
            return pyarrow.concat_batches(batches)
        except pyarrow.ArrowInvalid as error:
            raise _too_much_text() from error


def _too_much_text() -> SqlError:
    return SqlError("0A000", "a script's texts for one batch of rows are above 2 GiB in all")
