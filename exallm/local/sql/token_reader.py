"""Reads a statement token by token."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from sqlglot.tokenizer_core import Token, TokenType

from exallm.local.sql.names import checked, quoted
from exallm.local.sql.refusal import syntax_error
from exallm.local.sql.tokens import is_quoted, tokens_of
from exallm.local.sql_error import SqlError

T = TypeVar("T")


@dataclass(frozen=True)
class QualifiedName:
    """A name with its schema, None where it was not given; both folded."""

    schema: str | None
    name: str


class TokenReader:
    """A place in the tokens of one statement; a trailing semicolon is not among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens_of(text)
        while self._tokens and self._tokens[-1].token_type is TokenType.SEMICOLON:
            self._tokens.pop()
        self._place = 0

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._place >= len(self._tokens)

    def peek(self) -> str:
        """The next token in upper case, '' at the end."""
        return "" if self.at_end() else self._tokens[self._place].text.upper()

    def all_words(self) -> list[str]:
        """Every word and symbol of the statement in upper case, '' in place of quoted ones."""
        return [
            part
            for token in self._tokens
            for part in ([""] if self._quoted(token) else token.text.upper().split())
        ]

    def accept(self, *words: str) -> bool:
        """Move past these words, separate tokens or one, if they are what comes next."""
        place = self._place
        wanted = list(words)
        while wanted:
            if place >= len(self._tokens) or self._quoted(self._tokens[place]):
                return False
            found = self._tokens[place].text.upper().split()
            if found != wanted[: len(found)]:
                return False
            wanted = wanted[len(found) :]
            place += 1
        self._place = place
        return True

    def expect(self, word: str) -> None:
        """Move past a word; :raises SqlError: 42000 where another one stands."""
        if not self.accept(word):
            raise self._unexpected(f"expected {word}")

    def word(self) -> str:
        """The next word, in upper case."""
        return self._next("expected a keyword").text.upper()

    def identifier(self) -> str:
        """An identifier: folded to upper case unless quoted."""
        token = self._next("expected an identifier")
        if token.token_type is TokenType.STRING:
            raise syntax_error(f"unexpected string '{token.text}', expected an identifier")
        if self._quoted(token):
            return checked(token.text, is_quoted=True)
        if not (token.text[0].isalpha() and token.text.replace("_", "a").isalnum()):
            raise syntax_error(f"unexpected '{token.text}', expected an identifier")
        return checked(token.text, is_quoted=False)

    def password(self) -> str:
        """A password, which is written as an identifier; no error shows it.

        :raises SqlError: 42000 for anything else.
        """
        wrong = syntax_error('a password is written as an identifier: IDENTIFIED BY "..."')
        try:
            return self.identifier()
        except SqlError:
            raise wrong from None

    def phrase(self, ends: Collection[str]) -> list[str]:
        """The words before the next of ``ends``, in upper case; a quoted one as it is written."""
        words: list[str] = []
        while not self.at_end():
            token = self._tokens[self._place]
            if self._quoted(token):
                words.append(quoted(token.text))
            elif token.text.upper() in ends:
                break
            else:
                words.extend(token.text.upper().split())
            self._place += 1
        return words

    def dotted(self) -> list[str]:
        """Identifiers with dots between them."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return parts

    def names(self) -> tuple[str, ...]:
        """Identifiers with commas between them, in parentheses."""
        self.expect("(")
        names = [self.identifier()]
        while self.accept(","):
            names.append(self.identifier())
        self.expect(")")
        return tuple(names)

    def qualified_name(self) -> QualifiedName:
        """``[schema.]name``."""
        parts = self.dotted()
        if len(parts) > 2:
            raise syntax_error(f"too many parts in the name {'.'.join(parts)}")
        return QualifiedName(parts[0] if len(parts) == 2 else None, parts[-1])

    def at_string(self) -> bool:
        """Whether a string literal is next."""
        return not self.at_end() and self._tokens[self._place].token_type is TokenType.STRING

    def string(self) -> str:
        """A string literal."""
        token = self._next("expected a string")
        if token.token_type is not TokenType.STRING:
            raise syntax_error(f"unexpected '{token.text}', expected a string")
        return token.text

    def value(self) -> str:
        """A string, number or word, as text."""
        return self._next("expected a value").text

    def number(self) -> int:
        """A whole number without a sign."""
        text = self.value()
        if not text.isdecimal():
            raise syntax_error(f"unexpected '{text}', expected a number")
        return int(text)

    def arguments(self) -> list[str]:
        """The texts between commas of a list in parentheses."""
        self.expect("(")
        start, depth, parts = self._place, 0, []
        while True:
            token = self._next("expected )")
            if token.token_type is TokenType.L_PAREN:
                depth += 1
            elif token.token_type is TokenType.R_PAREN and depth:
                depth -= 1
            elif token.token_type in (TokenType.R_PAREN, TokenType.COMMA) and not depth:
                if start < self._place - 1:
                    first, last = self._tokens[start], self._tokens[self._place - 2]
                    parts.append(self.text[first.start : last.end + 1])
                elif parts or token.token_type is TokenType.COMMA:
                    raise syntax_error("an argument is missing")
                start = self._place
                if token.token_type is TokenType.R_PAREN:
                    return parts

    def enclosed(self) -> str:
        """The text between an opening parenthesis and its closing one."""
        self.expect("(")
        first, depth = self._place, 1
        while depth:
            kind = self._next("expected )").token_type
            depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if self._place - 1 == first:
            raise syntax_error("unexpected ')', expected a query")
        return self.text[self._tokens[first].start : self._tokens[self._place - 2].end + 1]

    def until(self, stops: Collection[str]) -> str:
        """The text before the next comma, closing parenthesis or word of ``stops``, one at least.

        What stands in parentheses is not looked into.
        """
        start, depth = self._place, 0
        first = self._next("expected a value")
        last = first
        depth += first.token_type is TokenType.L_PAREN
        while not self.at_end():
            token = self._tokens[self._place]
            word = token.text.upper().split()[0] if token.text.split() else ""
            ends = word in (",", ")") or (word in stops and not self._quoted(token))
            if not depth and ends:
                break
            depth += (token.token_type is TokenType.L_PAREN) - (
                token.token_type is TokenType.R_PAREN
            )
            last = token
            self._place += 1
        return self.text[self._tokens[start].start : last.end + 1]

    def next_is(self, *words: str) -> bool:
        """Whether the token after the next one begins with one of these words."""
        following = self._tokens[self._place + 1 : self._place + 2]
        return bool(following) and following[0].text.upper().split()[0] in words

    def word_after_list(self) -> str:
        """The word after the list in parentheses that comes next, '' where there is none."""
        depth = 0
        for place in range(self._place, len(self._tokens)):
            kind = self._tokens[place].token_type
            depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
            if depth == 0:
                following = self._tokens[place + 1 : place + 2]
                return following[0].text.upper() if following else ""
        return ""

    def closing(self, *words: str) -> bool:
        """Take these words off the end of the statement, if they stand there."""
        last = self._tokens[-len(words) :]
        if [token.text.upper() for token in last] != list(words):
            return False
        del self._tokens[-len(words) :]
        return True

    def closing_comment(self) -> str | None:
        """Take ``COMMENT IS 'text'`` off the end of the statement; None where there is none."""
        last = self._tokens[-3:]
        if len(last) < 3 or last[2].token_type is not TokenType.STRING:
            return None
        if (last[0].text.upper(), last[1].text.upper()) != ("COMMENT", "IS"):
            return None
        del self._tokens[-3:]
        return last[2].text

    def rest(self) -> str:
        """The text from here to the end."""
        if self.at_end():
            raise self._unexpected("expected a query")
        first, last = self._tokens[self._place], self._tokens[-1]
        return self.text[first.start : last.end + 1]

    def finish(self, result: T) -> T:
        """The result; :raises SqlError: 42000 where something is left over."""
        if not self.at_end():
            raise self._unexpected("expected the end of the statement")
        return result

    def _next(self, wanted: str) -> Token:
        if self.at_end():
            raise self._unexpected(wanted)
        self._place += 1
        return self._tokens[self._place - 1]

    def _unexpected(self, wanted: str) -> SqlError:
        found = "the end of the statement" if self.at_end() else f"'{self.peek()}'"
        return syntax_error(f"unexpected {found}, {wanted}")

    def _quoted(self, token: Token) -> bool:
        return is_quoted(token, self.text)
