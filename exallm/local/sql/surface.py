"""Surface rewrites: constructs that sqlglot cannot parse, put into a form that it can.

Each works on tokens, so that strings, quoted identifiers and comments are never touched.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot.dialects.exasol import Exasol
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from exallm.local.sql.refusal import syntax_error

# SELECT f(x) EMITS (a INT) is parsed as SELECT f(x) AS "EMITS(a INT)"; no user can write this
# alias, because a quoted identifier with this beginning is refused.
EMITS_ALIAS = "EMITS("


class _Tokens(Exasol):
    """The tokens of Exasol's SQL, none of which swallows the rest of its statement."""

    class Tokenizer(Exasol.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()


def tokens_of(sql: str) -> list[Token]:
    """The tokens of a statement; :raises SqlError: 42000 where a string or comment never ends."""
    try:
        return list(_Tokens().tokenize(sql))
    except SqlglotError as error:
        raise syntax_error(str(error).splitlines()[0]) from error


def to_parsable(sql: str) -> str:
    """The statement with EMITS lists as aliases, and without UTF8/ASCII and ENABLE/DISABLE."""
    if "\0" in _outside_strings(sql):
        raise syntax_error("NUL character outside a string")
    tokens = tokens_of(sql)
    edits: list[tuple[int, int, str]] = []
    for index, token in enumerate(tokens):
        word = token.text.upper()
        if _is_quoted(token, sql):
            if token.text.startswith(EMITS_ALIAS):
                raise syntax_error(f'identifier "{EMITS_ALIAS}..." is reserved')
            continue
        previous = tokens[index - 1].text if index else ""
        if word == "EMITS" and previous == ")" and _text(tokens, index + 1) == "(":
            closing = _closing(tokens, index + 1)
            columns = sql[tokens[index + 1].end + 1 : tokens[closing].start]
            alias = (EMITS_ALIAS + columns + ")").replace('"', '""')
            edits.append((token.start, tokens[closing].end + 1, f'AS "{alias}"'))
        elif (
            word in ("UTF8", "ASCII") and previous == ")" and _is_text_type(tokens, index - 1)
        ) or (
            word in ("ENABLE", "DISABLE") and previous in (")",) and _ends_constraint(tokens, index)
        ):
            edits.append((token.start, token.end + 1, ""))
    for start, end, text in reversed(edits):
        sql = sql[:start] + text + sql[end:]
    return sql


def _outside_strings(sql: str) -> str:
    return "".join(part for number, part in enumerate(sql.split("'")) if number % 2 == 0)


def _is_quoted(token: Token, sql: str) -> bool:
    return token.token_type is TokenType.STRING or sql[token.start : token.start + 1] in '"['


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text.upper() if index < len(tokens) else ""


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].token_type is TokenType.L_PAREN:
            depth += 1
        elif tokens[index].token_type is TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                return index
    raise syntax_error("unbalanced parentheses after EMITS")


def _is_text_type(tokens: list[Token], closing: int) -> bool:
    return (
        closing >= 3
        and tokens[closing - 2].text == "("
        and tokens[closing - 3].text.upper() in ("VARCHAR", "CHAR", "VARCHAR2", "NVARCHAR")
    )


def _ends_constraint(tokens: list[Token], index: int) -> bool:
    return _text(tokens, index - 1) == ")" and _text(tokens, index + 1) in (",", ")")
