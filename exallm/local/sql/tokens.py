"""The tokens of a statement, and which of them Exasol's SQL has.

sqlglot's parser is forgiving: it takes operators, literals and orders of words from many databases
and often means the same node by them. What Exasol would not accept is refused here, before it.
"""

from __future__ import annotations

import re
from typing import ClassVar

from sqlglot.dialects.exasol import Exasol
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql_error import SqlError

_SYMBOLS = frozenset(("(", ")", ",", ".", ";", "+", "-", "*", "/", "||", "?"))
_COMPARISONS = frozenset(("=", "<>", "!=", "<", "<=", ">", ">="))
_NAMES = {":": "a parameter (:name)"}
_WORD = re.compile(r"[^\W\d]\w*(?:\s+[^\W\d]\w*)*", re.UNICODE)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_BEFORE_A_QUERY = frozenset(("", "(", "AS", "ALL", "UNION", "MINUS", "EXCEPT", "INTERSECT"))
_AFTER_NO_COMMA = frozenset(("", ")", ",", ";", "FROM", "WHERE", "GROUP BY", "ORDER BY"))
_NESTING_LIMIT = 200
_CODE_LIMIT = 4_000_000
_TOKEN_LIMIT = 250_000  # a list of 100,000 values has 200,000
_NO_CODE = re.compile(r"'[^']*'|--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_WORD_TYPES = frozenset((TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER))
_BEFORE_A_STRING = frozenset(("ESCAPE", "SEPARATOR", "IS", "IDENTIFIED"))
_REFUSED_WORDS = frozenset(("ENDIF", "ISNULL", "NOTNULL", "PREFERRING"))
# Words and symbols in a row that sqlglot would not understand, or would misunderstand.
_REFUSED_SEQUENCES = {
    ("*", "*"): "the operator **",
    ("/", "/"): "the operator //",
    ("(", "+", ")"): "the outer join operator (+)",
    ("AT", "TIME"): "AT TIME ZONE",
    ("ON", "OVERFLOW"): "ON OVERFLOW",
    ("POSITIONAL", "JOIN"): "POSITIONAL JOIN",
}


class _Tokens(Exasol):
    """The tokens of Exasol's SQL, none of which swallows the rest of its statement."""

    class Tokenizer(Exasol.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()


def tokens_of(sql: str) -> list[Token]:
    """The tokens of a statement.

    :raises SqlError: 42000 where a string or comment never ends, NUL stands outside a string, or
        the statement is longer than the engine can read in a short time.
    """
    if len(sql) > _CODE_LIMIT and len(_NO_CODE.sub("", sql)) > _CODE_LIMIT:
        limit = f"{_CODE_LIMIT:,} characters outside of strings and comments"
        raise SqlError("42000", f"statement too complex: over {limit}")
    try:
        tokens = list(_Tokens().tokenize(sql))
    except SqlglotError:
        # sqlglot's text shows the place, which may be a password that lacks its closing quote.
        raise syntax_error("a string, a quoted identifier or a comment has no end") from None
    if len(tokens) > _TOKEN_LIMIT:
        raise SqlError("42000", f"statement too complex: over {_TOKEN_LIMIT:,} words and symbols")
    in_strings = sum(t.text.count("\0") for t in tokens if t.token_type is TokenType.STRING)
    if in_strings != sql.count("\0"):
        raise syntax_error("NUL character outside a string")
    return tokens


def is_quoted(token: Token, sql: str) -> bool:
    """Whether a token is a string or an identifier in quotes."""
    return token.token_type is TokenType.STRING or sql[token.start : token.start + 1] in ('"', "[")


def check_tokens(tokens: list[Token], sql: str) -> None:
    """Refuse what is not in Exasol's SQL.

    :raises SqlError: 0A000 with the symbol's name, 42000 for words in a wrong place.
    """
    depth = 0
    words = [_word(token, sql) for token in tokens]
    _check_sequences(words)
    for index, token in enumerate(tokens):
        previous = words[index - 1] if index else ""
        following = words[index + 1] if index + 1 < len(tokens) else ""
        if token.token_type is TokenType.STRING:
            _check_string(tokens[index - 1] if index else None, token, sql)
        if is_quoted(token, sql):
            continue
        _check_symbol(token, sql)
        word = words[index]
        depth += (word == "(") - (word == ")")
        if depth > _NESTING_LIMIT:
            raise SqlError("42000", f"statement too complex: over {_NESTING_LIMIT} levels deep")
        if word == "FROM" and previous in _BEFORE_A_QUERY:
            raise syntax_error("unexpected FROM, expected SELECT")
        if word == "," and following in _AFTER_NO_COMMA:
            raise syntax_error("an expression is missing after a comma")
        if word in _REFUSED_WORDS:
            raise refused(60, word)


def _check_sequences(words: list[str]) -> None:
    for sequence, name in _REFUSED_SEQUENCES.items():
        length = len(sequence)
        if sequence[0] in words and any(
            tuple(words[i : i + length]) == sequence for i in range(len(words) - length + 1)
        ):
            raise refused(60, name)
    for one, two, three in zip(words, words[1:], words[2:], strict=False):
        if (one, two) == ("SELECT", "TOP") and three.isdecimal():
            raise refused(60, "TOP")


def _check_symbol(token: Token, sql: str) -> None:
    written = sql[token.start : token.end + 1]
    following = sql[token.end + 1 : token.end + 2]
    if token.token_type is TokenType.NUMBER and (following.isalnum() or following == "_"):
        raise syntax_error(f"{written}{following}... is no number")
    if written in _SYMBOLS or written in _COMPARISONS or _WORD.fullmatch(written):
        return
    if token.token_type is TokenType.NUMBER and _NUMBER.fullmatch(written):
        return
    if token.token_type is TokenType.NUMBER:
        raise syntax_error(f"{written} is no number")
    raise refused(60, _NAMES.get(written, f"{written[:40]}"))


def _check_string(previous: Token | None, token: Token, sql: str) -> None:
    """A string may not follow another value or be a name: sqlglot would join or rename."""
    if sql[token.start : token.start + 1] != "'":
        raise refused(60, f"the string {sql[token.start : token.start + 3]}...")
    if previous is None:
        return
    word = _word(previous, sql)
    joined = previous.end + 1 == token.start and word.isalnum()
    after_value = previous.token_type in _WORD_TYPES and word not in _BEFORE_A_STRING
    if joined or after_value or word in (")", "AS") or previous.token_type is TokenType.STRING:
        raise syntax_error(f"unexpected string '{token.text[:40]}'")


def _word(token: Token, sql: str) -> str:
    return "quoted" if is_quoted(token, sql) else " ".join(token.text.upper().split())
