"""UDF scripts in this process, on two runtimes: exasol-udf-mock-python's and the engine's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from exasol_udf_mock_python.column import Column as MockColumn
from exasol_udf_mock_python.connection import Connection as MockConnection
from exasol_udf_mock_python.group import Group
from exasol_udf_mock_python.mock_exa_environment import MockExaEnvironment
from exasol_udf_mock_python.mock_meta_data import MockMetaData
from exasol_udf_mock_python.udf_mock_executor import UDFMockExecutor

from exallm.local.exasol_type import Column
from exallm.local.udf.connection import Connection
from exallm.local.udf.context import ListedRows
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.exa import python_type
from exallm.local.udf.script import UdfScript, parse_columns
from exallm.local.udf.virtual_machine import VirtualMachine

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class ScriptCall:
    """A script and what it is called with.

    :param arguments: the input columns, named 0, 1, ... for a variadic script.
    :param outputs: the columns after EMITS in the query, None where it gives none.
    :param groups: the rows of each group; a SCALAR script gets the rows of all.
    :param modules: the bodies of other scripts by ``SCHEMA.NAME``, for ``exa.import_script``.
    :param connections: for ``exa.get_connection``, by name.
    """

    script: UdfScript
    arguments: Sequence[Column]
    outputs: Sequence[Column] | None
    groups: Sequence[Rows]
    modules: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)

    def rows(self) -> Rows:
        """The rows of all groups."""
        return [row for group in self.groups for row in group]


def run_strict(call: ScriptCall) -> Rows:
    """Run a call on the engine's runtime.

    :returns: the emitted rows, or a row of one value for each value of a RETURNS script.
    :raises SqlError: with the code that a client sees.
    """
    script, outputs = call.script, call.outputs
    environment = StatementEnvironment(
        session_id="1",
        current_schema=script.schema,
        scripts=call.modules,
        connections=call.connections,
    )
    if script.returns is None and script.emits is None and outputs is None:
        asked = VirtualMachine(script, call.arguments, None, environment)
        outputs = parse_columns(asked.default_output_columns())
    machine = VirtualMachine(script, call.arguments, script.emits or outputs, environment)
    emitted: Rows = []

    def write(_origins: list[int], rows: list[tuple[Any, ...]]) -> None:
        emitted.extend(rows)

    if script.kind == "SCALAR" and script.returns is not None:
        emitted = [(value,) for value in machine.scalar_values(call.rows())]
    elif script.kind == "SCALAR":
        machine.scalar_rows(call.rows(), write)
    else:
        for group in call.groups:
            if script.returns is not None:
                emitted.append((machine.group_value(ListedRows(group)),))
            else:
                machine.group_rows(ListedRows(group), write)
    machine.cleanup()
    return emitted


def run_mock(call: ScriptCall, checks_arguments: bool = True) -> Rows:
    """Run a call on exasol-udf-mock-python; exceptions of the script come out as they are.

    :param checks_arguments: whether the mock refuses values that are not of their column's type.
    """
    script = call.script
    returned = None if script.returns is None else (Column("RETURN", script.returns),)
    outputs = returned or script.emits or call.outputs
    assert outputs is not None, "the mock asks no script for its columns"
    names = script.input_names or [column.name for column in call.arguments]
    metadata = _Metadata(
        script.code,
        input_columns=[
            _mock_column(name, column) if checks_arguments else MockColumn(name, object, "any")
            for name, column in zip(names, call.arguments, strict=True)
        ],
        input_type=script.kind,
        output_columns=[_mock_column(column.name, column) for column in outputs],
        output_type=script.output,
        is_variadic_input=script.inputs is None,
        script_name=script.name,
        script_schema=script.schema,
        node_id=0,
    )
    groups = [call.rows()] if script.kind == "SCALAR" else call.groups
    done = UDFMockExecutor().run(
        [Group(group) for group in groups], _Environment(metadata, call.modules, call.connections)
    )
    return [row for group in done for row in group.rows]


class _Metadata(MockMetaData):
    """Takes the script's text as it stands in the SQL file, where the mock wants a function."""

    def __init__(self, code: str, **signature: Any) -> None:
        super().__init__(None, **signature)
        self._script_code = code


class _Environment(MockExaEnvironment):
    """Adds import_script, which the mock leaves out."""

    def __init__(
        self,
        metadata: MockMetaData,
        modules: Mapping[str, str],
        connections: Mapping[str, Connection],
    ) -> None:
        given = {
            name: MockConnection(found.address, found.user, found.password)
            for name, found in connections.items()
        }
        super().__init__(metadata, given)
        self._modules = modules

    def import_script(self, schema_script_name: str) -> ModuleType:
        module = ModuleType(schema_script_name)
        vars(module)["exa"] = self
        exec(self._modules[schema_script_name], vars(module))  # noqa: S102
        return module


def _mock_column(name: str, column: Column) -> MockColumn:
    data_type = column.type
    return MockColumn(
        name,
        python_type(data_type),
        data_type.sql(),
        precision=data_type.precision or None,
        scale=data_type.scale if data_type.precision else None,
        length=data_type.size or None,
    )
