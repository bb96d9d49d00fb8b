"""``:value`` and ``::identifier`` in the statements of a Lua script."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal

from exallm.local.lua.session import LuaCell
from exallm.local.sql_error import SqlError

_TOKEN = re.compile(
    r"'[^']*(?:'|\Z)"
    r'|"[^"]*(?:"|\Z)'
    r"|--[^\n]*"
    r"|/\*.*?(?:\*/|\Z)"
    r"|(?<![\w:])(?P<mark>::?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?!\w)",
    re.DOTALL,
)
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_$]*")
_DELIMITED = re.compile(r'"(?:[^"]|"")+"', re.DOTALL)
_EXACT_INTEGERS = 2**53


def bind_parameters(statement: str, parameters: Mapping[str, LuaCell | None]) -> str:
    """The statement with every ``:name`` as a literal and every ``::name`` as an identifier.

    Strings, quoted identifiers and comments stay as they are. An identifier is taken as SQL would
    take it: ``docs`` means ``DOCS``, and ``quote("docs")`` keeps the case.

    :raises SqlError: 42000 for a parameter that is missing, or that cannot stand in its place.
    """

    def replacement(match: re.Match[str]) -> str:
        mark, name = match["mark"], match["name"]
        if mark is None:
            return match[0]
        if name not in parameters:
            raise SqlError("42000", f"parameter {mark}{name} of the statement is not given")
        value = parameters[name]
        text = _identifier(name, value) if mark == "::" else _literal(name, value)
        before = statement[match.start() - 1 : match.start()]
        after = statement[match.end() : match.end() + 1]
        # Two quoted texts that touch would be read as one.
        return (" " if before in ("'", '"') else "") + text + (" " if after in ("'", '"') else "")

    return _TOKEN.sub(replacement, statement)


def _identifier(name: str, value: LuaCell | None) -> str:
    if not isinstance(value, str):
        raise SqlError("42000", f"parameter ::{name} must be a string that names an object")
    if _REGULAR.fullmatch(value):
        return f'"{value.upper()}"'
    if _DELIMITED.fullmatch(value):
        return value
    raise SqlError(
        "42000",
        f"parameter ::{name}, {value!r}, is no identifier: give schema and name as two "
        "parameters, and names with other characters as quote(name)",
    )


def _literal(name: str, value: LuaCell | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    text = _number(name, value)
    # After a minus sign, a bare negative number would open a comment.
    return f"({text})" if text.startswith("-") else text


def _number(name: str, value: int | float | Decimal) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SqlError("42000", f"parameter :{name} is {value}, which SQL cannot write")
        # Lua's 10 / 2 is 5.0, and LIMIT takes 5.
        if value.is_integer() and abs(value) <= _EXACT_INTEGERS:
            return str(int(value))
        return repr(value)
    return str(value)
