"""One compiled script and its calls: what a UDF process holds, and what tests run in-process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType, TracebackType
from typing import Any

from exallm.local.exasol_type import Column
from exallm.local.sql_error import SqlError
from exallm.local.udf.context import GroupRows, Row, ScalarContext, SetContext
from exallm.local.udf.emission import Emission, Write
from exallm.local.udf.exa import Environment, Exa
from exallm.local.udf.script import UdfScript
from exallm_udfs.errors import ExallmError

_CRASH = "VM error: F-UDF-CL-LIB-{lib}: F-UDF-CL-SL-PYTHON-{phase}: F-UDF-CL-SL-PYTHON-1026: "
_TEXT_LIMIT = 20_000


class VirtualMachine:
    """A script whose module level has run once; its names live until the machine ends.

    :param script: the script.
    :param arguments: the declared parameters, or for a variadic script columns named 0, 1, ...
    :param outputs: the output columns; None only before those of a dynamic script are known.
    :param environment: what ``exa`` answers from.
    :param vm_id: ``exa.meta.vm_id``.

    Every method, and the constructor, raises ``SqlError``: 22002 with the exception, its message
    and the script's lines for what the script raises, 22001 and 22003 for a value that its column
    cannot hold.
    """

    def __init__(
        self,
        script: UdfScript,
        arguments: Sequence[Column],
        outputs: Sequence[Column] | None,
        environment: Environment,
        vm_id: str = "1",
    ) -> None:
        self._script = script
        self._names = script.input_names or [column.name for column in arguments]
        self._outputs = tuple(outputs or ())
        inputs = [
            Column(name, column.type) for name, column in zip(self._names, arguments, strict=True)
        ]
        exa = Exa(script, inputs, self._outputs, environment, vm_id)
        self._globals: dict[str, Any] = {"__name__": "__main__", "exa": exa}
        self._guarded(self._load, "1126", "1000", "1025", "Exception while parsing UDF")

    def scalar_values(self, rows: Sequence[Row]) -> list[Any]:
        """Run a SCALAR RETURNS script over rows: one value a row, in order."""
        values: list[Any] = []
        emission = self._emission(lambda _origins, _rows: None)
        context = ScalarContext(self._names, None, len(rows))

        def call() -> None:
            run = self._function("run")
            for row in rows:
                context._row = row
                values.append(emission.value(run(context)))

        self._run(call, emission)
        return values

    def scalar_rows(self, rows: Sequence[Row], write: Write) -> None:
        """Run a SCALAR EMITS script over rows.

        :param write: takes, for some emitted rows at a time, the position of the row that each
            came from, and the rows.
        """
        emission = self._emission(write)
        context = ScalarContext(self._names, emission, len(rows))

        def call() -> None:
            run = self._function("run")
            for position, row in enumerate(rows):
                context._row = row
                emission.origin = position
                self._refuse_value(run(context))
            emission.flush()

        self._run(call, emission)

    def group_value(self, rows: GroupRows) -> Any:
        """Run a SET RETURNS script over one group."""
        values: list[Any] = []
        emission = self._emission(lambda _origins, _rows: None)

        def call() -> None:
            context = SetContext(self._names, None, rows)
            values.append(emission.value(self._function("run")(context)))

        self._run(call, emission)
        return values[0]

    def group_rows(self, rows: GroupRows, write: Write) -> None:
        """Run a SET EMITS script over one group.

        :param write: takes the emitted rows, some at a time; the positions say nothing here.
        """
        emission = self._emission(write)

        def call() -> None:
            context = SetContext(self._names, emission, rows)
            self._refuse_value(self._function("run")(context))
            emission.flush()

        self._run(call, emission)

    def default_output_columns(self) -> str:
        """Ask a dynamic script for its columns, as ``name TYPE, ...``; unchecked."""
        columns: list[Any] = []

        def call() -> None:
            columns.append(self._function("default_output_columns")())

        if "default_output_columns" not in self._globals:
            name = self._script.qualified_name
            error = ExallmError(
                "E-EXALLM-LOCAL-30",
                f"{name} has dynamic output columns, and no default_output_columns()",
                "write EMITS (name TYPE, ...) after the call",
            )
            raise SqlError("42000", str(error))
        phase = "Exception during singleCall default_output_columns"
        self._guarded(call, "1127", "1002", "1118", phase)
        return str(columns[0])

    def cleanup(self) -> None:
        """Call the script's ``cleanup()``, if it has one; the machine is not used afterwards."""
        if "cleanup" in self._globals:
            self._guarded(
                lambda: self._function("cleanup")(),
                "1128",
                "1005",
                "1109",
                "Exception during cleanup",
            )

    def _load(self) -> None:
        code: CodeType = compile(self._script.code, self._script.name, "exec", dont_inherit=True)
        exec(code, self._globals)  # noqa: S102

    def _function(self, name: str) -> Callable[..., Any]:
        if name not in self._globals:
            code = "1110" if name == "run" else "1108"
            raise RuntimeError(f"F-UDF-CL-SL-PYTHON-{code}: function '{name}' is not defined")
        function: Callable[..., Any] = self._globals[name]
        return function

    def _emission(self, write: Write) -> Emission:
        returns = self._script.returns
        outputs = self._outputs if returns is None else (Column("RETURN", returns),)
        return Emission(outputs, write)

    @staticmethod
    def _refuse_value(value: Any) -> None:
        if value is not None:
            raise ExallmError(
                "E-EXALLM-LOCAL-20",
                f"run() of an EMITS script returned a value of type {type(value).__name__}",
                "emit it with ctx.emit(...), the database would drop it",
            )

    def _run(self, call: Callable[[], None], emission: Emission) -> None:
        try:
            self._guarded(call, "1127", "1002", "1114", "Exception during run")
        finally:
            # The database sees such a value after the script: catching the error saves nothing.
            if emission.data_error is not None:
                raise SqlError(emission.data_error.code, emission.data_error.text)

    def _guarded(
        self, call: Callable[[], None], lib: str, phase: str, code: str, what: str
    ) -> None:
        try:
            call()
        except BaseException as error:
            prefix = _CRASH.format(lib=lib, phase=phase)
            head = f"{prefix}ExaUDFError: F-UDF-CL-SL-PYTHON-{code}: {what} \n"
            raise SqlError("22002", head + describe_exception(error)[-_TEXT_LIMIT:]) from error


def describe_exception(error: BaseException) -> str:
    """Where an exception came from, oldest cause first: ``file:line function`` lines, then it.

    The runtime's own frames are left out, the script's name stands for its file.
    """
    cause = error.__cause__ if error.__suppress_context__ else error.__context__
    lines = [] if cause is None else [describe_exception(cause)]
    lines.extend(_frames(error.__traceback__))
    if isinstance(error, SyntaxError) and error.lineno is not None:
        lines.append(f"{error.filename}:{error.lineno}")
    lines.append(f"{type(error).__name__}: {error}")
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def _frames(traceback: TracebackType | None) -> list[str]:
    lines = []
    while traceback is not None:
        frame = traceback.tb_frame
        if not str(frame.f_globals.get("__name__")).startswith("exallm.local.udf."):
            place = f"{frame.f_code.co_filename}:{traceback.tb_lineno}"
            lines.append(f"{place} {frame.f_code.co_name}")
        traceback = traceback.tb_next
    return lines
