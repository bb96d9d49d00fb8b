"""A UDF script, as its CREATE SCRIPT statement says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm.local.exasol_type import Column, ExasolType, parse_script_type
from exallm.local.sql_error import SqlError
from exallm.local.udf.script_options import ScriptOptions, parse_script_options
from exallm.local.udf.sql_scanner import SqlScanner, Token

_LAST_LINE = re.compile(r"(?:\A|\r?\n)[ \t]*/\s*\Z")


@dataclass(frozen=True)
class UdfScript:
    """One UDF script.

    :param schema: the schema that holds it, folded.
    :param name: its name, folded.
    :param language: the language alias, folded; ``LUA`` where the statement names none.
    :param kind: ``SCALAR`` or ``SET``.
    :param inputs: its parameters with folded names, None for variadic ones, ``(...)``.
    :param input_names: the parameter names as written: by these ``run(ctx)`` finds them.
    :param output: ``RETURNS`` or ``EMITS``.
    :param returns: the type of the value of a ``RETURNS`` script, else None.
    :param emits: the columns of an ``EMITS`` script, None for dynamic ones, ``EMITS (...)``.
    :param options: what its option lines say.
    :param body: the text after ``AS``, as written.
    :param code: the body with its option lines emptied: what the interpreter reads.
    :param source: the whole statement.
    """

    schema: str
    name: str
    language: str
    kind: str
    inputs: tuple[Column, ...] | None
    input_names: tuple[str, ...]
    output: str
    returns: ExasolType | None
    emits: tuple[Column, ...] | None
    options: ScriptOptions
    body: str
    code: str
    source: str

    def __post_init__(self) -> None:
        if self.kind not in ("SCALAR", "SET"):
            raise ValueError(f"kind {self.kind} is neither SCALAR nor SET")
        if (self.returns is not None) != (self.output == "RETURNS"):
            raise ValueError("a RETURNS script has the type of its value, an EMITS script has none")
        if self.output == "RETURNS" and self.emits is not None:
            raise ValueError("a RETURNS script has no columns")
        if len(self.input_names) != len(self.inputs or ()):
            raise ValueError("every parameter has a name as written, variadic ones have none")

    @property
    def qualified_name(self) -> str:
        """``SCHEMA.NAME``, for messages and look-ups."""
        return f"{self.schema}.{self.name}"


def parse_udf_script(statement: str, current_schema: str | None) -> UdfScript:
    """Read ``CREATE [OR REPLACE] [<alias>] SCALAR|SET SCRIPT ... AS <body>``.

    A last line that holds only ``/`` ends the statement and is no part of the body.

    :param current_schema: where a script without a schema belongs, None if no schema is open.
    :raises SqlError: 42000 for a syntax error or a missing schema, 0A000 for what is not supported.
    """
    scanner = SqlScanner(statement)
    scanner.expect("CREATE")
    scanner.accept("OR", "REPLACE")
    language = "LUA"
    if scanner.token.keyword not in ("SCALAR", "SET"):
        language = scanner.identifier().folded
    if scanner.token.keyword not in ("SCALAR", "SET"):
        raise scanner.unexpected("SCALAR or SET")
    kind = scanner.advance().keyword
    scanner.expect("SCRIPT")
    schema, name = _script_name(scanner, current_schema)
    inputs, input_names = _parameters(scanner)
    returns, emits = _results(scanner)
    # The token after AS belongs to the body, which is not SQL: it must not be read.
    if scanner.token.keyword != "AS":
        raise scanner.unexpected("AS")
    body = _body(statement[scanner.token.end :])
    options, code = parse_script_options(body)
    return UdfScript(
        schema=schema,
        name=name,
        language=language,
        kind=kind,
        inputs=inputs,
        input_names=input_names,
        output="EMITS" if returns is None else "RETURNS",
        returns=returns,
        emits=emits,
        options=options,
        body=body,
        code=code,
        source=statement,
    )


def parse_columns(text: str) -> tuple[Column, ...]:
    """Read ``name TYPE, ...``, the columns after the EMITS of a SELECT, in or without parentheses.

    :raises SqlError: 42000 for a syntax error, 0A000 for a type that is not supported.
    """
    scanner = SqlScanner(text)
    enclosed = scanner.accept("(")
    columns, _ = _column_list(scanner)
    if enclosed:
        scanner.expect(")")
    if scanner.token.kind != "end":
        raise scanner.unexpected("the end of the columns")
    return columns


def _script_name(scanner: SqlScanner, current_schema: str | None) -> tuple[str, str]:
    first = scanner.identifier().folded
    if scanner.accept("."):
        return first, scanner.identifier().folded
    if current_schema is None:
        raise SqlError("42000", "no schema specified or opened or current schema has been dropped")
    return current_schema, first


def _parameters(scanner: SqlScanner) -> tuple[tuple[Column, ...] | None, tuple[str, ...]]:
    scanner.expect("(")
    if scanner.accept("..."):
        scanner.expect(")")
        return None, ()
    if scanner.accept(")"):
        return (), ()
    columns, names = _column_list(scanner)
    if scanner.token.keyword == "ORDER":
        raise SqlError("0A000", "ORDER BY in the parameters of a SET script is not supported")
    scanner.expect(")")
    return columns, names


def _results(scanner: SqlScanner) -> tuple[ExasolType | None, tuple[Column, ...] | None]:
    if scanner.accept("RETURNS"):
        return _type(scanner), None
    if not scanner.accept("EMITS"):
        raise scanner.unexpected("RETURNS or EMITS")
    scanner.expect("(")
    if scanner.accept("..."):
        scanner.expect(")")
        return None, None
    columns, _ = _column_list(scanner)
    scanner.expect(")")
    return None, columns


def _column_list(scanner: SqlScanner) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    columns: list[Column] = []
    names: list[str] = []
    while True:
        token = scanner.identifier()
        if any(column.name == token.folded for column in columns):
            raise SqlError("42000", f"syntax error, the column name {token.folded} stands twice")
        columns.append(Column(token.folded, _type(scanner)))
        names.append(token.name)
        if not scanner.accept(","):
            return tuple(columns), tuple(names)


def _type(scanner: SqlScanner) -> ExasolType:
    tokens: list[Token] = []
    depth = 0
    while scanner.token.kind in ("word", "number", "mark"):
        token = scanner.token
        if depth == 0 and (token.text in (",", ")") or token.keyword in ("AS", "ORDER")):
            break
        depth += (token.text == "(") - (token.text == ")")
        tokens.append(scanner.advance())
    if not tokens:
        raise scanner.unexpected("a data type")
    try:
        return parse_script_type(" ".join(token.text for token in tokens))
    except ValueError as error:
        raise SqlError("0A000", str(error)) from error


def _body(text: str) -> str:
    start = re.match(r"[ \t]*(?:\r?\n)?", text)
    body = text[start.end() :] if start is not None else text
    return _LAST_LINE.sub("", body)
