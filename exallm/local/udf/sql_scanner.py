"""A scanner for the head of a script statement: words, numbers, quoted names and punctuation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm.local.sql_error import SqlError

_SKIPPED = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"]|"")+")|(?P<word>[^\W\d][\w$#]*)|(?P<number>\d+)|(?P<mark>\.\.\.|[().,])'
)


@dataclass(frozen=True)
class Token:
    """One token.

    :param kind: ``word``, ``quoted``, ``number``, ``mark``, or ``end`` after the last one.
    :param text: the token as written.
    :param start: offset of its first character in the text.
    :param end: offset after its last character.
    """

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The upper-case word, or an empty text for anything that is not an unquoted word."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier as written: without its quotes, its letters not folded."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text

    @property
    def folded(self) -> str:
        """The identifier as Exasol stores it: upper case unless it is quoted."""
        return self.name if self.kind == "quoted" else self.text.upper()


class SqlScanner:
    """Reads tokens one after the other; comments and blanks between them are passed over."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.token = self._read(0)

    def advance(self) -> Token:
        """Return the current token and move on to the next one."""
        token = self.token
        self.token = self._read(token.end)
        return token

    def accept(self, *texts: str) -> bool:
        """Pass over the given keywords or marks if the next tokens are all of them."""
        start = self.token
        for text in texts:
            if text not in (self.token.keyword, self.token.text) or self.token.kind == "quoted":
                self.token = start
                return False
            self.advance()
        return True

    def expect(self, text: str) -> Token:
        """Pass over one keyword or mark; ``SqlError`` 42000 if something else stands there."""
        token = self.token
        if not self.accept(text):
            raise self.unexpected(text)
        return token

    def identifier(self) -> Token:
        """Pass over one identifier; ``SqlError`` 42000 if something else stands there."""
        if self.token.kind not in ("word", "quoted"):
            raise self.unexpected("an identifier")
        return self.advance()

    def unexpected(self, expected: str) -> SqlError:
        """The syntax error for the current token."""
        found = f"'{self.token.text}'" if self.token.kind != "end" else "the end of the text"
        return self._error(f"unexpected {found}, expecting {expected}", self.token.start)

    def _error(self, problem: str, offset: int) -> SqlError:
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        return SqlError("42000", f"syntax error, {problem} [line {line}, column {column}]")

    def _read(self, offset: int) -> Token:
        skipped = _SKIPPED.match(self.text, offset)
        start = skipped.end() if skipped is not None else offset
        if start == len(self.text):
            return Token("end", "", start, start)
        match = _TOKEN.match(self.text, start)
        if match is None or match.lastgroup is None:
            raise self._error(f"unexpected '{self.text[start]}'", start)
        return Token(match.lastgroup, match[0], start, match.end())
