"""Runs Exasol's Lua scripts in a sandboxed Lua 5.4.

What a script finds there: ``query``, ``pquery``, ``quote``, ``join``, ``output``, ``exit``,
``import``, ``decimal``, ``null`` (also ``NULL``), ``exa.meta``, ``require('cjson')``; of Lua
itself the basic functions, ``string``, ``table``, ``math``, ``utf8`` and of ``os`` what tells the
time. It finds no file, process, coroutine, bytecode, ``debug`` or object of Python.

Values, from SQL to Lua:

- ``NULL`` is ``null``, one unique value: ``res[1].X == null``. It counts as true, unlike ``nil``.
  ``cjson.null`` is the same value.
- A ``DECIMAL(p,0)`` from -2^53 to 2^53 is an integer; beyond that, and with digits after the point,
  it is a decimal object, which calculates, compares with numbers by ``<`` and with decimals by
  ``==``, and becomes digits by ``tostring``. ``DOUBLE`` is a float, ``BOOLEAN`` a boolean.
- ``DATE`` is ``'YYYY-MM-DD'``, ``TIMESTAMP`` is ``'YYYY-MM-DD HH:MM:SS.ffffff'``, ``VARCHAR`` is
  UTF-8.

A call into C, such as a ``string.find`` with a pattern that backtracks without end, is not
interrupted by an abort; every loop of Lua is.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from typing import Any

from lupa.lua54 import LuaError, LuaMemoryError, LuaRuntime

from exallm.local.lua.bridge import (
    MEMORY_LIMIT,
    LuaBridge,
    MemoryLimitError,
    chunk_name,
    decode,
    encode,
    from_lua,
    memory_error,
    to_lua,
)
from exallm.local.lua.result_table import convert_cell
from exallm.local.lua.script import LuaScript
from exallm.local.lua.session import (
    LuaArgument,
    LuaOutcome,
    LuaSession,
    QueryResult,
    SqlValue,
)
from exallm.local.sql_error import SqlError

__all__ = [
    "LuaArgument",
    "LuaOutcome",
    "LuaSession",
    "QueryResult",
    "SqlValue",
    "check_lua_syntax",
    "run_lua_script",
]

_FOLDER = resources.files("exallm.local.lua")
_SANDBOX = _FOLDER.joinpath("sandbox.lua").read_bytes()
_CJSON = _FOLDER.joinpath("cjson.lua").read_bytes()
# More than any run needs to begin with; `restore_limit` then holds the script to its own.
_LIMIT_AT_START = 2**48
_OUT_OF_MEMORY = b"not enough memory"


def check_lua_syntax(script: LuaScript) -> None:
    """Compile a script without running it.

    :raises SqlError: 43000 with the line and the message of the Lua compiler.
    """
    load = _new_runtime().globals()[b"load"]
    loaded = load(encode(script.body), encode(f"={chunk_name(script)}"), b"t")
    if isinstance(loaded, tuple):
        message = decode(loaded[1]).removeprefix(f"{chunk_name(script)}:")
        line, _, text = message.partition(": ")
        raise SqlError("43000", f'"{text}" in script {script.qualified_name} at line {line}')


def run_lua_script(
    script: LuaScript,
    arguments: Sequence[LuaArgument],
    session: LuaSession,
    memory_limit: int = MEMORY_LIMIT,
) -> LuaOutcome:
    """Run a script to its end.

    :param arguments: one value a parameter, a sequence for an ``ARRAY``.
    :param memory_limit: bytes that the script may hold at once.
    :raises SqlError: 42000 for arguments that do not fit the parameters; 43000 for an error of the
        script, with its message, name and line; the code of a statement that failed; R0001 or
        R0003 as ``session.check_abort`` says. Any other exception of the session passes through.
    """
    check_lua_syntax(script)
    rows = _argument_rows(script, arguments)
    runtime = _new_runtime()
    bridge = LuaBridge(runtime, runtime.table(), session, memory_limit)
    try:
        kind, result = _run(script, rows, runtime, bridge, session)
        if kind == b"failed":
            raise _script_error(result, bridge, session)
        return _outcome(result, bridge)
    except (LuaMemoryError, MemoryLimitError):
        raise memory_error(memory_limit) from None
    finally:
        bridge.close()


def _run(
    script: LuaScript,
    rows: list[Sequence[SqlValue]],
    runtime: Any,
    bridge: LuaBridge,
    session: LuaSession,
) -> tuple[bytes, Any]:
    try:
        host = runtime.table_from(bridge.functions())
        run = runtime.execute(_SANDBOX, host, bridge.null, _CJSON)
        kind, result = run(
            runtime.table_from(bridge.script_table(script, script.name)),
            _arguments_table(runtime, bridge, script, rows),
            _meta_table(runtime, script, session),
            script.returns == "TABLE",
        )
    except LuaError:
        if bridge.failure is None:
            raise
        raise bridge.failure from None
    if bridge.failure is not None:
        raise bridge.failure
    return kind, result


def _new_runtime() -> Any:
    return LuaRuntime(
        encoding=None,
        unpack_returned_tuples=True,
        register_eval=False,
        register_builtins=False,
        attribute_filter=_refuse_attribute,
        max_memory=_LIMIT_AT_START,
    )


def _refuse_attribute(_object: object, _name: object, _is_setting: bool) -> str:
    raise AttributeError("Lua reaches no attribute of Python")


def _argument_rows(script: LuaScript, arguments: Sequence[LuaArgument]) -> list[Sequence[SqlValue]]:
    if len(arguments) != len(script.parameters):
        raise SqlError(
            "42000",
            f"script {script.qualified_name} takes {len(script.parameters)} arguments, "
            f"but {len(arguments)} were given",
        )
    rows: list[Sequence[SqlValue]] = []
    for parameter, argument in zip(script.parameters, arguments, strict=True):
        is_array = isinstance(argument, Sequence) and not isinstance(argument, str)
        if is_array != parameter.is_array:
            expected = "an ARRAY" if parameter.is_array else "one value, not an ARRAY"
            raise SqlError(
                "42000",
                f"parameter {parameter.name} of script {script.qualified_name} takes {expected}",
            )
        rows.append(argument if is_array else (argument,))  # type: ignore[arg-type]
    return rows


def _arguments_table(
    runtime: Any, bridge: LuaBridge, script: LuaScript, rows: list[Sequence[SqlValue]]
) -> Any:
    tables, decimals = bridge.rows_table(rows)
    return runtime.table_from(
        {
            b"names": runtime.table_from([encode(p.name) for p in script.parameters]),
            b"are_arrays": runtime.table_from([p.is_array for p in script.parameters]),
            b"rows": tables,
            b"decimals": decimals,
        }
    )


def _meta_table(runtime: Any, script: LuaScript, session: LuaSession) -> Any:
    own = {
        "script_schema": script.schema,
        "script_name": script.name,
        "script_code": script.source,
        "script_language": "Lua 5.4",
    }
    meta: dict[str, Any] = {**session.meta, **own}
    values = {encode(name): to_lua(value) for name, value in meta.items()}
    # A number that Lua's floats would round, as a session's may be, is a string of digits.
    return runtime.table_from(
        {
            name: str(value).encode() if isinstance(value, Decimal) else value
            for name, value in values.items()
        }
    )


def _script_error(report: Any, bridge: LuaBridge, session: LuaSession) -> SqlError:
    if isinstance(report, bytes):
        message, number, line, code = report, 1, None, None
    else:
        message, number = report[b"message"], report[b"script"] or 1
        line, code = report[b"line"], report[b"code"]
    if message.endswith(_OUT_OF_MEMORY):
        return memory_error(bridge.memory_limit)
    place = f"script {bridge.scripts[number - 1].qualified_name}"
    if line is not None:
        place += f" at line {line}"
    if code is not None:
        return SqlError(decode(code), f"{decode(message)} (caught in {place})")
    session_id = session.meta.get("session_id")
    return SqlError("43000", f'"{decode(message)}" caught in {place} (Session: {session_id})')


def _outcome(result: Any, bridge: LuaBridge) -> LuaOutcome:
    columns, types = bridge.returned
    rows: list[tuple[SqlValue, ...]] = []
    cells = result[b"cells"]
    for row in range(result[b"row_count"] or 0):
        start = row * len(columns) + 1
        rows.append(
            tuple(
                _cell(cells[start + column], type_, f"row {row + 1}, column {columns[column]}")
                for column, type_ in enumerate(types)
            )
        )
    affected = from_lua(result[b"rows_affected"])
    if isinstance(affected, bool | str | None) or affected % 1 != 0:
        raise SqlError("43000", f"rows_affected must be a whole number, not {affected!r}")
    return LuaOutcome(tuple(bridge.lines), columns, types, rows, int(affected))


def _cell(value: Any, type_: Any, place: str) -> SqlValue:
    try:
        return convert_cell(from_lua(value), type_, place)
    except UnicodeDecodeError:
        raise SqlError("22021", f"{place} of the script's result is not valid UTF-8") from None
