"""Whether a text is one query that can stand in parentheses, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from exallm_udfs.errors import ExallmError

_TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")+")'
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<blank>[ \t\r\n]+)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_SIGNS = frozenset("(),.+-*/|<>=!^")
_BEGINNINGS = ("SELECT", "WITH")
# What begins a statement that is no query. Only where a statement can begin: INSERT is a
# function as well.
_STATEMENTS = re.compile(
    "ALTER|CALL|COMMENT|COMMIT|CREATE|DELETE|DROP|EXECUTE|EXPORT|GRANT|IMPORT|INSERT|MERGE|REVOKE"
    "|ROLLBACK|TRUNCATE|UPDATE"
)


def check_source_query(text: str) -> str:
    """The query itself; raises E-EXALLM-SQL-11 unless it is one SELECT or WITH.

    Strings, quoted identifiers and comments are read as the database reads them. What one reader of
    SQL might take for another thing than the next one does is refused: nested comments, brackets,
    backslashes, carriage returns of their own. So the text cannot leave the parentheses that it is
    put into.
    """
    if _CONTROL.search(text.replace("\r\n", "\n")):
        _refuse("holds a control character")
    depth, before = 0, ""
    for kind, token in _tokens(text):
        if before == "" and token.upper() not in _BEGINNINGS:
            _refuse(f"begins with {token[:40]!r}")
        if before == "(" and _STATEMENTS.fullmatch(token.upper()):
            _refuse(f"holds a statement that begins with {token.upper()}")
        if kind == "word" and token.upper() == "INTO":
            _refuse("has INTO in it")
        depth += (token == "(") - (token == ")")
        if depth < 0:
            _refuse("closes a parenthesis that it did not open")
        before = token
    if before == "":
        _refuse("is empty")
    if depth:
        _refuse("leaves a parenthesis open")
    return text


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of what is neither blank nor a comment."""
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match[0]
        if kind == "comment" and "/*" in token[2:]:
            _refuse("has a comment inside a comment")
        if kind == "sign":
            _check_sign(token, text[match.end() : match.end() + 1])
        if kind == "word" and len(token) == 1 and text[match.end() : match.end() + 1] == "'":
            _refuse(f"has a string of a kind of its own, {token}'...'")
        if kind not in ("comment", "blank"):
            yield kind, token


def _check_sign(sign: str, following: str) -> None:
    if sign in "'\"":
        _refuse(f"has a {sign} that is never closed")
    if sign == "/" and following == "*":
        _refuse("has a comment that is never closed")
    if sign == ";":
        _refuse("has a ;")
    if sign not in _SIGNS:
        _refuse(f"has the sign {sign!r} outside of strings and quotes")


def _refuse(problem: str) -> NoReturn:
    raise ExallmError(
        "E-EXALLM-SQL-11",
        f"the source query {problem}",
        "write one SELECT, or WITH and SELECT, without a ; behind it",
    )
