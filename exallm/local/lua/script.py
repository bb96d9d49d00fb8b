"""``CREATE LUA SCRIPT``: the statement, read into its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from exallm.local.sql_error import SqlError

Returns = Literal["NOTHING", "TABLE", "ROWCOUNT"]

_LUA_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "and break do else elseif end false for function goto if in local nil not or repeat return "
        "then true until while",
    )
)
_TOKEN = re.compile(r'"(?P<quoted>(?:[^"]|"")+)"|(?P<word>[^\W\d][\w$]*)|(?P<sign>[(),.])')
_BLANK = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_AFTER_AS = re.compile(r"[ \t]*(?:\r?\n)?")
_TERMINATOR = re.compile(r"(?:\A|\n)[ \t]*/[ \t]*\s*\Z")


@dataclass(frozen=True)
class LuaParameter:
    """A parameter of a script.

    :param name: the Lua variable, in the case in which the statement writes it.
    :param is_array: whether the caller hands over ``ARRAY(...)``.
    """

    name: str
    is_array: bool = False


@dataclass(frozen=True)
class LuaScript:
    """A Lua script.

    :param schema: its schema, folded to upper case unless quoted.
    :param name: its name, folded likewise.
    :param parameters: in order.
    :param returns: what ``EXECUTE SCRIPT`` gives to its caller.
    :param body: the Lua text after ``AS``; its first line is line 1 of every message.
    :param source: the whole statement.
    """

    schema: str
    name: str
    parameters: tuple[LuaParameter, ...]
    returns: Returns
    body: str
    source: str

    @property
    def qualified_name(self) -> str:
        """``"SCHEMA"."NAME"``, quotes doubled."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.name))


@dataclass(frozen=True)
class _Token:
    text: str
    kind: Literal["quoted", "word", "sign", "end"]
    position: int

    def says(self, word: str) -> bool:
        return self.kind in ("word", "sign") and self.text.upper() == word

    @property
    def identifier(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text


class _Scanner:
    """Reads the head of the statement, token by token."""

    def __init__(self, statement: str) -> None:
        self.statement = statement
        self.position = 0
        self.token = self._read()

    def _read(self) -> _Token:
        blank = _BLANK.match(self.statement, self.position)
        start = blank.end() if blank else self.position
        match = _TOKEN.match(self.statement, start)
        if match is None:
            self.position = start
            return _Token(self.statement[start : start + 20], "end", start)
        self.position = match.end()
        if match["quoted"] is not None:
            return _Token(match["quoted"].replace('""', '"'), "quoted", start)
        return _Token(match[0], "word" if match["word"] else "sign", start)

    def take(self) -> _Token:
        token, self.token = self.token, self._read()
        return token

    def accept(self, word: str) -> bool:
        if not self.token.says(word):
            return False
        self.take()
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            self.fail(f"expecting {word}")

    def identifier(self, what: str) -> _Token:
        if self.token.kind not in ("word", "quoted"):
            self.fail(f"expecting {what}")
        return self.take()

    def fail(self, expectation: str) -> NoReturn:
        line = self.statement.count("\n", 0, self.token.position) + 1
        column = self.token.position - (self.statement.rfind("\n", 0, self.token.position) + 1) + 1
        found = f"unexpected '{self.token.text}'" if self.token.text else "unexpected end"
        raise SqlError(
            "42000", f"syntax error, {found}, {expectation} [line {line}, column {column}]"
        )


def parse_lua_script(statement: str, current_schema: str | None) -> LuaScript:
    """Read ``CREATE [OR REPLACE] [LUA] SCRIPT [schema.]name [(...)] [RETURNS ...] AS body``.

    A line that holds only ``/`` may end the statement.

    :param current_schema: the schema of a name without one.
    :raises SqlError: 42000 where the statement is no such statement, or no schema is open.
    """
    scanner = _Scanner(statement)
    scanner.expect("CREATE")
    if scanner.accept("OR"):
        scanner.expect("REPLACE")
    scanner.accept("LUA")
    scanner.expect("SCRIPT")
    schema, name = _parse_name(scanner, current_schema)
    parameters = _parse_parameters(scanner) if scanner.accept("(") else ()
    returns = _parse_returns(scanner)
    if not scanner.token.says("AS"):
        scanner.fail("expecting AS")
    body = _body(statement, scanner)
    return LuaScript(schema, name, parameters, returns, body, statement)


def _parse_name(scanner: _Scanner, current_schema: str | None) -> tuple[str, str]:
    first = scanner.identifier("a script name").identifier
    if scanner.accept("."):
        return first, scanner.identifier("a script name").identifier
    if current_schema is None:
        raise SqlError("42000", f"no schema is open: open one or write SCHEMA.{first}")
    return current_schema, first


def _parse_parameters(scanner: _Scanner) -> tuple[LuaParameter, ...]:
    parameters: list[LuaParameter] = []
    while not scanner.accept(")"):
        if parameters:
            scanner.expect(",")
        token = scanner.identifier("a parameter name")
        is_array = token.says("ARRAY") and scanner.token.kind in ("word", "quoted")
        if is_array:
            token = scanner.take()
        if re.fullmatch(r"[A-Za-z_]\w*", token.text, re.ASCII) is None:
            raise SqlError("42000", f"syntax error, parameter {token.text!r} is no Lua name")
        if token.text in _LUA_KEYWORDS:
            raise SqlError("42000", f"syntax error, parameter {token.text!r} is a keyword of Lua")
        if token.text in {parameter.name for parameter in parameters}:
            raise SqlError("42000", f"syntax error, parameter {token.text!r} stands there twice")
        parameters.append(LuaParameter(token.text, is_array))
    return tuple(parameters)


def _parse_returns(scanner: _Scanner) -> Returns:
    if not scanner.accept("RETURNS"):
        return "NOTHING"
    if scanner.accept("TABLE"):
        return "TABLE"
    if scanner.accept("ROWCOUNT"):
        return "ROWCOUNT"
    scanner.fail("expecting TABLE or ROWCOUNT")


def _body(statement: str, scanner: _Scanner) -> str:
    start = scanner.token.position + len("AS")
    if start < len(statement) and not statement[start].isspace():
        scanner.take()
        scanner.fail("expecting a space after AS")
    line_end = _AFTER_AS.match(statement, start)
    text = statement[line_end.end() if line_end else start :]
    return _TERMINATOR.sub("", text)
