"""The host's side of the Lua sandbox: the functions that ``sandbox.lua`` calls.

Every function takes and returns plain values or Lua tables and never raises: an exception that
crossed Lua would hand the script an object of Python. What must end the script is kept in
``failure`` and raised again by the host. Lua strings are bytes here, UTF-8 in both directions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from exallm.local.exasol_type import DECIMAL_LIMIT, Column, ExasolType
from exallm.local.lua.parameters import bind_parameters
from exallm.local.lua.result_table import parse_columns
from exallm.local.lua.script import LuaScript
from exallm.local.lua.session import LuaCell, LuaSession, QueryResult, SqlValue
from exallm.local.sql_error import SqlError
from exallm_udfs.errors import ExallmError

MEMORY_LIMIT = 256 * 2**20
OUTPUT_LIMIT = 16 * 2**20
EXACT_INTEGERS = 2**53
# The limit while the host allocates; without any limit lupa would not count.
_LIFTED = 2**48
_CONTEXT = Context(
    prec=DECIMAL_LIMIT,
    Emin=-DECIMAL_LIMIT,
    Emax=DECIMAL_LIMIT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)

ResultColumns = tuple[tuple[str, ...], tuple[ExasolType | None, ...]]


class MemoryLimitError(Exception):
    """The values do not fit into the memory of the script."""


class LuaBridge:
    """The functions of the host for one run of one script."""

    def __init__(self, runtime: Any, null: Any, session: LuaSession, memory_limit: int) -> None:
        self.failure: BaseException | None = None
        self.lines: list[str] = []
        self.scripts: list[LuaScript] = []
        self.returned: ResultColumns = ((), ())
        self._runtime = runtime
        self.null = null
        self._session = session
        self.memory_limit = memory_limit
        self._output_size = 0
        self._results: list[ResultColumns] = []

    def close(self) -> None:
        """Let go of Lua, which holds this object: neither would ever be freed."""
        self._runtime = self.null = None

    def functions(self) -> dict[bytes, Callable[..., Any]]:
        """The table ``host`` of the sandbox."""
        return {
            b"check": self.check,
            b"decimal": calculate,
            b"decode_json": self.decode_json,
            b"execute": self.execute,
            b"import": self.import_script,
            b"lift_limit": self.lift_limit,
            b"new_decimal": new_decimal,
            b"open_table": self.open_table,
            b"output": self.output,
            b"restore_limit": self.restore_limit,
            b"run_out_of_memory": self.run_out_of_memory,
        }

    def lift_limit(self) -> None:
        """Let the host allocate."""
        self._runtime.set_max_memory(_LIFTED)

    def restore_limit(self) -> None:
        """Hold the script to its memory again."""
        self._runtime.set_max_memory(self.memory_limit)

    def check(self) -> bool:
        """Whether the script must stop now."""
        if self.failure is not None:
            return True
        try:
            self._session.check_abort()
        except BaseException as problem:
            # Raised again by the host once Lua has unwound.
            self.failure = problem
            return True
        return False

    def run_out_of_memory(self) -> None:
        """Stop the script for want of memory."""
        self.failure = memory_error(self.memory_limit)

    def execute(self, text: bytes, names: Any, values: Any, count: int | None) -> Any:
        """Run a statement: a table; or nil, code, text and statement; or nil to stop."""
        statement = text.decode(errors="replace")
        if self.check():
            return None
        try:
            statement = text.decode()
            if count is not None:
                given = {decode(names[i]): from_lua(values[i]) for i in range(1, count + 1)}
                statement = bind_parameters(statement, given)
            return self._answer(self._session.execute(statement))
        except UnicodeDecodeError:
            return None, b"22021", b"the statement or a parameter is not valid UTF-8", b""
        except MemoryLimitError:
            self.run_out_of_memory()
        except SqlError as problem:
            if not problem.code.startswith("R"):
                return None, *(encode(t) for t in (problem.code, problem.text, statement))
            self.failure = problem
        except BaseException as problem:
            # Not for the script to catch; the host raises it again once Lua has unwound.
            self.failure = problem
        return None

    def _answer(self, result: QueryResult) -> Any:
        self._results.append((result.columns, result.types))
        rows, decimals = self.rows_table(result.rows)
        answer = {
            b"columns": self._table(encode(name) for name in result.columns),
            b"rows": rows,
            b"decimals": decimals,
            b"rows_affected": result.rows_affected,
            b"statement_text": encode(result.statement_text),
            b"number": len(self._results),
        }
        if result.statement_id is not None:
            answer[b"statement_id"] = result.statement_id
        return self._runtime.table_from(answer)

    def rows_table(self, rows: Iterable[Sequence[SqlValue]]) -> tuple[Any, Any]:
        """Rows as a Lua table, and the places, row after column, of digits to make decimals of.

        :raises MemoryLimitError: the rows do not fit.
        """
        tables: list[Any] = []
        decimals: list[int] = []
        for row in rows:
            cells: list[Any] = []
            for value in row:
                cell = to_lua(value)
                if isinstance(cell, Decimal):
                    decimals += (len(tables) + 1, len(cells) + 1)
                    cell = format(cell, "f").encode()
                cells.append(self.null if cell is None else cell)
            tables.append(self._table(cells))
            if self._runtime.get_memory_used() > self.memory_limit:
                raise MemoryLimitError
        return self._table(tables), self._table(decimals)

    def _table(self, values: Iterable[Any]) -> Any:
        return self._runtime.table_from(values)

    def import_script(self, name: bytes) -> Any:
        """The script that ``import`` names: a table, or nil, code and text, or nil to stop."""
        try:
            script = self._session.script_text(decode(name))
        except SqlError as problem:
            return None, encode(problem.code), encode(problem.text)
        except BaseException as problem:
            self.failure = problem
            return None
        return self._runtime.table_from(self.script_table(script, decode(name)))

    def script_table(self, script: LuaScript, written: str) -> dict[bytes, Any]:
        """What the sandbox needs of a script to load it."""
        if script not in self.scripts:
            self.scripts.append(script)
        number = self.scripts.index(script) + 1
        return {
            b"body": encode(script.body),
            b"chunk_name": encode(chunk_name(script)),
            b"number": number,
            b"alias": encode(written.rsplit(".", 1)[-1].strip('"')),
        }

    def open_table(self, types: bytes | None, number: int | None) -> Any:
        """How many columns the returned table has, or nil and what is wrong."""
        if types is not None:
            try:
                columns: tuple[Column, ...] = parse_columns(decode(types))
            except SqlError as problem:
                return None, encode(problem.text)
            self.returned = (tuple(c.name for c in columns), tuple(c.type for c in columns))
        elif number is not None:
            self.returned = self._results[number - 1]
        else:
            return None, b"the script RETURNS TABLE: return the rows and 'COLUMN TYPE, ...'"
        if not self.returned[0]:
            return None, b"the script RETURNS TABLE, but returned a statement without a result set"
        return len(self.returned[0])

    def output(self, line: bytes) -> bool:
        """Keep a line; True to stop the script."""
        self._output_size += len(line)
        if self._output_size > OUTPUT_LIMIT:
            self.failure = SqlError("43000", str(_output_error()))
            return True
        self.lines.append(decode(line))
        return False

    def decode_json(self, text: bytes) -> Any:
        """The value of a JSON text, or nil and what is wrong."""
        try:
            value = json.loads(decode(text), parse_constant=_refuse_constant)
            return self._json_value(value)
        except MemoryLimitError:
            return None, b"the decoded JSON does not fit into the memory of the script"
        except RecursionError:
            return None, b"Found too many nested data structures"
        except ValueError as problem:
            return None, encode(f"invalid JSON: {problem}")

    def _json_value(self, value: Any) -> Any:
        if self._runtime.get_memory_used() > self.memory_limit:
            raise MemoryLimitError
        if value is None:
            return self.null
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, list):
            return self._table([self._json_value(item) for item in value])
        if isinstance(value, dict):
            return self._runtime.table_from(
                {key.encode(): self._json_value(item) for key, item in value.items()}
            )
        return _json_number(value)


def _json_number(value: bool | int | float) -> bool | int | float:
    if isinstance(value, int) and abs(value) <= EXACT_INTEGERS:
        return value
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _output_error() -> ExallmError:
    return ExallmError(
        "E-EXALLM-LOCAL-41",
        f"the script wrote more than {OUTPUT_LIMIT // 2**20} MiB with output()",
        "write less, or insert the lines into a table",
    )


def memory_error(limit: int) -> SqlError:
    """What the client sees of a script that needs more memory than it may have."""
    problem = ExallmError(
        "E-EXALLM-LOCAL-40",
        f"the Lua script needs more than {limit / 2**20:g} MiB of memory",
        "hold fewer rows at a time: let SQL filter and aggregate",
    )
    return SqlError("43000", str(problem))


def chunk_name(script: LuaScript) -> str:
    """The script's name in messages of Lua, which cuts names off after 59 bytes."""
    return f"{script.schema}.{script.name}".encode()[:50].decode(errors="ignore")


def encode(text: str) -> bytes:
    """A text for Lua; half of a surrogate pair, which UTF-8 has not, becomes a question mark."""
    return text.encode(errors="replace")


def decode(text: bytes) -> str:
    """A text of Lua for a message; a byte that is not UTF-8 becomes U+FFFD."""
    return text.decode(errors="replace")


def to_lua(value: SqlValue) -> bool | int | float | bytes | Decimal | None:
    """A value of SQL; a Decimal stands for a decimal object, None for null.

    :raises TypeError: SQL has no such value.
    """
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return encode(value)
    if isinstance(value, Decimal):
        scale = value.as_tuple().exponent
        whole = isinstance(scale, int) and scale >= 0
        return int(value) if whole and abs(value) <= EXACT_INTEGERS else value
    if isinstance(value, int):
        return value if abs(value) <= EXACT_INTEGERS else Decimal(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds").encode()
    if isinstance(value, date):
        return value.isoformat().encode()
    raise TypeError(f"a {type(value).__name__} is no value of SQL")


def from_lua(value: Any) -> LuaCell | None:
    """A value as ``plain`` of the sandbox gives it.

    :raises UnicodeDecodeError: a string is not UTF-8.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode()
    return Decimal(value[1].decode())


def new_decimal(text: bytes, precision: int | None, scale: int | None) -> Any:
    """``decimal(value, precision, scale)``: its digits, or nil and what is wrong."""
    try:
        value = _CONTEXT.create_decimal(decode(text).strip())
        if not value.is_finite() or value != Decimal(decode(text).strip()):
            raise InvalidOperation
        if precision is not None:
            digits = ExasolType.parse(f"DECIMAL({precision},{scale or 0})")
            value = value.quantize(Decimal(1).scaleb(-digits.scale), "ROUND_HALF_UP", _CONTEXT)
            if value and value.adjusted() >= digits.precision - digits.scale:
                return None, encode(f"decimal: {decode(text)} does not fit into {digits.sql()}")
    except (InvalidOperation, Overflow):
        return None, encode(f"decimal: {decode(text)[:60]!r} is no number of up to 36 digits")
    except ValueError as problem:
        return None, encode(f"decimal: {problem}")
    return format(value, "f").encode()


def calculate(operation: bytes, left: bytes, right: bytes) -> Any:
    """Decimal arithmetic: digits, or True or False of a comparison, or nil and what is wrong."""
    try:
        a, b = _CONTEXT.create_decimal(decode(left)), _CONTEXT.create_decimal(decode(right))
        if operation in _COMPARISONS:
            return _COMPARISONS[operation](a, b)
        return format(_OPERATIONS[operation](a, b), "f").encode()
    except DivisionByZero:
        return None, b"decimal: division by zero"
    except (InvalidOperation, Overflow):
        return None, b"decimal: the operands are no numbers, or the result is out of range"


_OPERATIONS: dict[bytes, Callable[[Decimal, Decimal], Decimal]] = {
    b"+": _CONTEXT.add,
    b"-": _CONTEXT.subtract,
    b"*": _CONTEXT.multiply,
    b"/": _CONTEXT.divide,
    b"negative": lambda a, _: _CONTEXT.minus(a),
}
_COMPARISONS: dict[bytes, Callable[[Decimal, Decimal], bool]] = {
    b"=": lambda a, b: a == b,
    b"<": lambda a, b: a < b,
    b"<=": lambda a, b: a <= b,
}
