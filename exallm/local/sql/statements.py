"""What kind of statement a text is: the engine's own small parser.

Statements that sqlglot does not know, or knows wrongly, are read here token by token. All others
become a :class:`Query` or :class:`Change` with sqlglot's tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from exallm.local.lua.script import LuaScript, parse_lua_script
from exallm.local.sql.nodes import parsed, parsed_expression
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.rights_statements import RightsStatement, read_rights_statement
from exallm.local.sql.table_statements import (
    TableStatement,
    read_alter_table,
    read_create_table,
)
from exallm.local.sql.token_reader import QualifiedName, TokenReader
from exallm.local.sql.transfers import Export, Import, read_transfer
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript, parse_udf_script

_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.DOTALL)
_UDF = re.compile(r"CREATE\s+(OR\s+REPLACE\s+)?([^\s()]+\s+)?(SCALAR|SET)\s+SCRIPT\b", re.I)
_LUA = re.compile(r"CREATE\s+(OR\s+REPLACE\s+)?(LUA\s+)?(SCRIPTING\s+)?SCRIPT\b", re.I)
_OTHER_SCRIPT = re.compile(
    r"CREATE\s+(OR\s+REPLACE\s+)?(\S+\s+)?((?:ADAPTER|PREPROCESSOR)\s+SCRIPT)\b", re.I
)


@dataclass(frozen=True)
class CreateScript:
    """``CREATE SCRIPT``, of a UDF or in Lua."""

    script: UdfScript | LuaScript
    replace: bool


@dataclass(frozen=True)
class CreateView:
    """``CREATE [OR REPLACE] VIEW name [(columns)] AS query [COMMENT IS 'text']``."""

    name: QualifiedName
    columns: tuple[str, ...]
    query: str
    comment: str | None
    statement: str
    replace: bool


@dataclass(frozen=True)
class DropObject:
    """``DROP SCHEMA | TABLE | VIEW | SCRIPT | CONNECTION [IF EXISTS] name [CASCADE]``."""

    kind: str
    name: QualifiedName
    if_exists: bool
    cascade: bool


@dataclass(frozen=True)
class ExecuteScript:
    """``EXECUTE SCRIPT name (arguments) [WITH OUTPUT]``.

    :param arguments: an expression each, or a list of them for ``ARRAY(...)``.
    """

    name: QualifiedName
    arguments: tuple[exp.Expr | tuple[exp.Expr, ...], ...]
    with_output: bool


@dataclass(frozen=True)
class CreateSchema:
    """``CREATE SCHEMA [IF NOT EXISTS] name``."""

    name: str
    if_not_exists: bool


@dataclass(frozen=True)
class OpenSchema:
    """``OPEN SCHEMA name``, or ``CLOSE SCHEMA`` with no name."""

    name: str | None


@dataclass(frozen=True)
class CreateConnection:
    """``CREATE [OR REPLACE] CONNECTION name TO address USER user IDENTIFIED BY password``."""

    name: str
    address: str
    user: str
    password: str
    replace: bool

    def __repr__(self) -> str:
        return f"CreateConnection({self.name!r})"


@dataclass(frozen=True)
class SetParameter:
    """``ALTER SESSION | SYSTEM SET name = value``."""

    scope: str
    name: str
    value: str


@dataclass(frozen=True)
class CommentOn:
    """``COMMENT ON SCHEMA | TABLE | SCRIPT | COLUMN | CONNECTION | USER | ROLE name IS 'text'``."""

    kind: str
    name: QualifiedName
    column: str | None
    comment: str


@dataclass(frozen=True)
class EndTransaction:
    """``COMMIT`` or ``ROLLBACK``."""

    commit: bool


@dataclass(frozen=True)
class Query:
    """A statement that returns rows."""

    tree: exp.Expr


@dataclass(frozen=True)
class Change:
    """INSERT, UPDATE, DELETE, MERGE or TRUNCATE."""

    tree: exp.Expr


@dataclass(frozen=True)
class Rename:
    """``RENAME [TABLE | VIEW] name TO name``; kind is None where the statement does not say it."""

    kind: str | None
    name: QualifiedName
    new: str


@dataclass(frozen=True)
class Describe:
    """``DESCRIBE [FULL] name``."""

    name: QualifiedName
    full: bool


Statement = (
    CreateScript
    | CreateView
    | DropObject
    | ExecuteScript
    | CreateSchema
    | OpenSchema
    | CreateConnection
    | SetParameter
    | CommentOn
    | EndTransaction
    | RightsStatement
    | Import
    | Export
    | Query
    | Change
    | TableStatement
    | Rename
    | Describe
)

# Statements of Exasol's or DuckDB's that the embedded engine does not have.
_REFUSED_HEADS = frozenset(
    """
    ANALYZE ATTACH BEGIN CALL CHECKPOINT CONSUMER COPY DEALLOCATE DETACH ENFORCE
    EXPLAIN FLUSH FORCE IMPERSONATE INSTALL KILL LOAD LOCK PRAGMA PRELOAD
    PREPARE RECOMPRESS RECOVER REFRESH REORGANIZE RESET SET SHOW START SUMMARIZE
    TABLE UNDO USE VACUUM VALUES
    """.split()  # noqa: SIM905
)
_NOT_RENAMED = ("SCHEMA", "SCRIPT", "FUNCTION", "USER", "ROLE", "CONNECTION", "CONSUMER")
_DEFINED = {
    "CREATE": ("SCHEMA", "CONNECTION", "FORCE", "ROLE", "TABLE", "USER", "VIEW"),
    "ALTER": ("SCHEMA", "SESSION", "SYSTEM", "TABLE", "USER"),
}

_QUERIES = (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.Values)
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)


def read_statement(sql: str, current_schema: str | None) -> Statement:
    """What a statement is, with its parts.

    :raises SqlError: 42000 for wrong syntax, 0A000 for what the engine does not support.
    """
    text = _without_leading_comments(sql)
    script = _script(text, current_schema)
    if script is not None:
        return script
    reader = TokenReader(text)
    if reader.at_end():
        raise syntax_error("empty statement")
    _check_head(reader)
    known = _own(reader)
    if known is not None:
        return known
    return _parsed(text)


def first_word(sql: str) -> str:
    """The word that a statement begins with, in upper case; '' where it begins with none."""
    match = re.match(r"[A-Za-z]+", _without_leading_comments(sql))
    return match[0].upper() if match else ""


def _check_head(reader: TokenReader) -> None:
    """Refuse a statement by what it begins with, before any parser looks at the rest."""
    words = reader.all_words()
    head, kind = (*words, "", "")[:2]
    if head in _REFUSED_HEADS:
        raise refused(60, head)
    if head in ("CREATE", "ALTER"):
        kinds = [word for word in words[1:5] if word not in ("OR", "REPLACE", "OR REPLACE")]
        if not kinds or kinds[0] not in _DEFINED[head]:
            raise refused(60, f"{head} {kinds[0] if kinds else kind}")
    if head == "INSERT" and "SET" in words:
        raise refused(60, "INSERT ... SET")


def _without_leading_comments(sql: str) -> str:
    match = _LEADING.match(sql)
    return sql[match.end() :] if match else sql


def _script(text: str, current_schema: str | None) -> CreateScript | None:
    """Scripts are recognised before anything reads tokens: their bodies are not SQL."""
    other = _OTHER_SCRIPT.match(text)
    if other:
        raise refused(60, f"CREATE {' '.join(other[3].upper().split())}")
    match = _UDF.match(text)
    if match:
        return CreateScript(parse_udf_script(text, current_schema), bool(match[1]))
    match = _LUA.match(text)
    if match:
        return CreateScript(parse_lua_script(text, current_schema), bool(match[1]))
    return None


def _own(reader: TokenReader) -> Statement | None:
    rights = read_rights_statement(reader)
    if rights is not None:
        return rights
    transfer = read_transfer(reader)
    if transfer is not None:
        return transfer
    if reader.accept("COMMIT"):
        reader.accept("WORK")
        return reader.finish(EndTransaction(commit=True))
    if reader.accept("ROLLBACK"):
        reader.accept("WORK")
        return reader.finish(EndTransaction(commit=False))
    if reader.accept("OPEN", "SCHEMA"):
        return reader.finish(OpenSchema(reader.identifier()))
    if reader.accept("CLOSE", "SCHEMA"):
        return reader.finish(OpenSchema(None))
    if reader.accept("EXECUTE", "SCRIPT"):
        return _execute_script(reader)
    if reader.accept("COMMENT", "ON"):
        return _comment_on(reader)
    if reader.accept("ALTER", "SESSION", "SET") or reader.accept("ALTER", "SYSTEM", "SET"):
        return _set_parameter(reader)
    if reader.accept("DROP"):
        return _drop(reader)
    if reader.accept("ALTER", "TABLE"):
        return read_alter_table(reader)
    if reader.accept("RENAME"):
        return _rename(reader)
    if reader.accept("DESCRIBE") or reader.accept("DESC"):
        full = reader.accept("FULL")
        return reader.finish(Describe(reader.qualified_name(), full))
    if reader.peek() == "CREATE":
        return _create(reader)
    return None


def _create(reader: TokenReader) -> Statement | None:
    reader.accept("CREATE")
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("SCHEMA"):
        exists = reader.accept("IF", "NOT", "EXISTS")
        return reader.finish(CreateSchema(reader.identifier(), exists))
    if reader.accept("CONNECTION"):
        return _create_connection(reader, replace)
    if reader.accept("TABLE"):
        return read_create_table(reader, replace)
    reader.accept("FORCE")
    if reader.accept("VIEW"):
        return _create_view(reader, replace)
    return None


def _rename(reader: TokenReader) -> Rename:
    kind = next((kind for kind in ("TABLE", "VIEW") if reader.accept(kind)), None)
    if reader.peek() in _NOT_RENAMED:
        raise refused(60, f"RENAME {reader.peek()}")
    name = reader.qualified_name()
    reader.expect("TO")
    new = reader.qualified_name()
    if new.schema not in (None, name.schema):
        raise SqlError("42000", "RENAME cannot move an object to another schema")
    return reader.finish(Rename(kind, name, new.name))


def _create_view(reader: TokenReader, replace: bool) -> CreateView:
    name = reader.qualified_name()
    columns = reader.names() if reader.peek() == "(" else ()
    reader.expect("AS")
    comment = reader.closing_comment()
    return CreateView(name, columns, reader.rest(), comment, reader.text, replace)


def _create_connection(reader: TokenReader, replace: bool) -> CreateConnection:
    name = reader.identifier()
    reader.expect("TO")
    address, user, password = reader.string(), "", ""
    if reader.accept("USER"):
        user = reader.string()
        if reader.accept("IDENTIFIED"):
            reader.expect("BY")
            password = reader.string()
    return reader.finish(CreateConnection(name, address, user, password, replace))


def _drop(reader: TokenReader) -> DropObject:
    kind = reader.word()
    if kind in ("FORCE", "ADAPTER", "LUA"):
        kind = reader.word()
    if kind not in ("SCHEMA", "TABLE", "VIEW", "SCRIPT", "CONNECTION"):
        raise refused(60, f"DROP {kind}")
    if_exists = reader.accept("IF", "EXISTS")
    name = reader.qualified_name()
    cascade = reader.accept("CASCADE")
    if not cascade:
        reader.accept("RESTRICT")
    if kind == "TABLE":
        reader.accept("CONSTRAINTS")
    return reader.finish(DropObject(kind, name, if_exists, cascade))


def _execute_script(reader: TokenReader) -> ExecuteScript:
    name = reader.qualified_name()
    arguments: tuple[exp.Expr | tuple[exp.Expr, ...], ...] = ()
    if reader.peek() == "(":
        arguments = tuple(_argument(text) for text in reader.arguments())
    with_output = reader.accept("WITH", "OUTPUT")
    return reader.finish(ExecuteScript(name, arguments, with_output))


def _argument(text: str) -> exp.Expr | tuple[exp.Expr, ...]:
    reader = TokenReader(text)
    if reader.accept("ARRAY") and reader.peek() == "(":
        return tuple(parsed_expression(part) for part in reader.arguments())
    return parsed_expression(text)


def _comment_on(reader: TokenReader) -> CommentOn:
    kind = reader.word()
    if kind in ("USER", "ROLE"):
        named = QualifiedName(None, reader.identifier().upper())
        reader.expect("IS")
        return reader.finish(CommentOn(kind, named, None, reader.string()))
    if kind not in ("SCHEMA", "TABLE", "VIEW", "SCRIPT", "COLUMN", "CONNECTION"):
        raise refused(60, f"COMMENT ON {kind}")
    if kind == "COLUMN":
        parts = reader.dotted()
        if len(parts) < 2:
            raise syntax_error("COMMENT ON COLUMN takes table.column")
        schema = parts[-3] if len(parts) > 2 else None
        name, column = QualifiedName(schema, parts[-2]), parts[-1]
    else:
        name, column = reader.qualified_name(), None
    reader.expect("IS")
    return reader.finish(CommentOn(kind, name, column, reader.string()))


def _set_parameter(reader: TokenReader) -> SetParameter:
    scope = "SYSTEM" if reader.all_words()[1] == "SYSTEM" else "SESSION"
    name = reader.word()
    reader.expect("=")
    return reader.finish(SetParameter(scope, name, reader.value()))


def _parsed(text: str) -> Statement:
    tree = parsed(text)
    if isinstance(tree, _QUERIES):
        return Query(tree)
    if isinstance(tree, _CHANGES):
        return Change(tree)
    if isinstance(tree, (exp.Condition, exp.Alias)):
        raise syntax_error(f"unexpected {text.split()[0][:40]}")
    raise refused(60, type(tree).__name__.upper())
