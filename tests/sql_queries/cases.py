"""The cases of this folder: queries with the types and rows that Exasol gives.

A topic is a text file. A section begins with ``= name``; what follows the name after ``|`` says
where the answer is from, if it is not plain from the query. ``= setup`` holds statements that run
once. ``= values`` holds a case a line, ``expression => result``, with ``: TYPE`` behind it where
the type matters. Every other section is a case: statements, each but the last one with ``;`` at its
end, then ``---``, then ``types: ...`` if they matter, then a row a line with ``|`` between cells,
or ``error: CODE words``. A cell in single quotes keeps its blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isclose
from pathlib import Path
from typing import Any

import pyexasol

FOLDER = Path(__file__).parent
_SECTION = re.compile(r"^= (.+)$", re.MULTILINE)
_VALUE = re.compile(r"^(?P<sql>.+?)\s+=>\s+(?P<cell>.*?)(?:\s+: (?P<type>[A-Z].*))?$")
_COMMA = re.compile(r",\s*(?![^(]*\))")


@dataclass(frozen=True)
class Case:
    """A query with what it must give.

    :param types: as Exasol writes them; empty where they do not matter.
    :param error: code and words of the error that it must end in, '' where it must not.
    """

    topic: str
    name: str
    statements: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    error: str

    def failure(self, connection: Any) -> str | None:
        """What is wrong with the engine's answer; None where it is right."""
        try:
            for statement in self.statements[:-1]:
                connection.execute(statement)
            result = connection.execute(self.statements[-1])
            found = result.fetchall() if result.result_type == "resultSet" else []
        except pyexasol.ExaRuntimeError as error:  # two columns of one name, among others
            return str(error)
        except pyexasol.ExaQueryError as error:
            said = f"{error.code} {error.message}"
            code, _, words = self.error.partition(" ")
            is_expected = bool(self.error) and error.code == code and words in error.message
            return None if is_expected else said
        if self.error:
            return f"no error, but {found}"
        types = tuple(_type(column) for column in result.columns().values()) if found else ()
        if self.types and found and types != self.types:
            return f"types {', '.join(types)}"
        if len(found) != len(self.rows):
            return f"{len(found)} rows: {found}"
        names = [_type(column) for column in result.columns().values()]
        for row, expected in zip(found, self.rows, strict=True):
            if len(row) != len(expected):
                return f"{len(row)} columns: {row}"
            for value, cell, name in zip(row, expected, names, strict=True):
                if not _same(value, cell, name):
                    return f"{value!r} in place of {cell}: {found}"
        return None


@dataclass(frozen=True)
class Topic:
    """A file of cases, with what must be there for them."""

    name: str
    setup: tuple[str, ...]
    cases: tuple[Case, ...]


def topics() -> Iterator[Topic]:
    """Every file of the folder."""
    for file in sorted(FOLDER.glob("*.txt")):
        yield _topic(file.stem, file.read_text(encoding="utf-8"))


def prepare(connection: Any, topic: Topic) -> None:
    """Open a schema of the topic's own with its setup in it."""
    connection.execute(f"CREATE SCHEMA QUERIES_{topic.name.upper()}")
    for statement in topic.setup:
        connection.execute(statement)


def _topic(name: str, text: str) -> Topic:
    parts = _SECTION.split(text)
    setup: tuple[str, ...] = ()
    cases: list[Case] = []
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title == "setup":
            setup += _statements(body)
        elif title == "values":
            cases.extend(_values(name, body))
        else:
            cases.append(_case(name, title.partition("|")[0].strip(), body))
    return Topic(name, setup, tuple(cases))


def _values(topic: str, body: str) -> Iterator[Case]:
    for line in body.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _VALUE.match(line.strip())
        assert match is not None, line
        sql, cell, type_ = match["sql"], match["cell"], match["type"]
        is_error = cell.startswith("error:")
        rows = () if is_error else (((cell),),)
        error = cell.removeprefix("error:").strip() if is_error else ""
        types = (type_,) if type_ else ()
        yield Case(topic, sql, (f"SELECT {sql}",), types, rows, error)


def _case(topic: str, name: str, body: str) -> Case:
    sql, separator, answer = body.partition("\n---\n")
    assert separator, f"{topic}: {name} has no ---"
    types: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    error = ""
    for line in answer.splitlines():
        if line.startswith("types:"):
            types = tuple(part.strip() for part in _COMMA.split(line[6:].strip()))
        elif line.startswith("error:"):
            error = line[6:].strip()
        elif line.strip() and not line.startswith("#"):
            rows.append(tuple(cell.strip() for cell in line.split("|")))
    return Case(topic, name, _statements(sql), types, tuple(rows), error)


def _statements(text: str) -> tuple[str, ...]:
    """Statements between semicolons at the ends of lines; scripts end with a line of ``/``."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        is_script = any("SCRIPT" in one for one in lines[:2]) or "SCRIPT" in line
        if line.rstrip() == "/" or (line.rstrip().endswith(";") and not is_script):
            last = [] if line.rstrip() == "/" else [line.rstrip()[:-1]]
            found.append("\n".join([*lines, *last]))
            lines = []
        elif line.strip() or lines:
            lines.append(line)
    rest = "\n".join(lines).strip()
    return (*found, rest) if rest else tuple(found)


def _type(column: dict[str, Any]) -> str:
    match column["type"]:
        case "DECIMAL":
            return f"DECIMAL({column['precision']},{column['scale']})"
        case "VARCHAR" | "CHAR":
            return f"{column['type']}({column['size']})"
    return str(column["type"])


def _same(value: Any, cell: str, type_: str) -> bool:
    if cell == "NULL" or value is None:
        return value is None and cell == "NULL"
    if isinstance(value, bool):
        return cell == str(value).upper()
    if type_ == "DOUBLE":
        return isclose(value, float(cell), rel_tol=1e-12, abs_tol=1e-300)
    if type_.startswith("DECIMAL"):
        try:
            return Decimal(value) == Decimal(cell)
        except InvalidOperation:
            return False
    quoted = len(cell) > 1 and cell[0] == cell[-1] == "'"
    return str(value) == (cell[1:-1] if quoted else cell)
