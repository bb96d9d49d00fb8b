"""sqlglot's ``exasol`` dialect, stripped of everything that it would translate by itself.

sqlglot knows hundreds of functions of other databases and turns some of Exasol's into them
without a word. Here its parser knows none: a function call stays a call by the name that the user
wrote, and :mod:`exallm.local.sql.functions` alone decides what it means.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp, parser
from sqlglot.dialects.exasol import Exasol
from sqlglot.errors import SqlglotError
from sqlglot.parsers.exasol import ExasolParser
from sqlglot.tokenizer_core import TokenType

from exallm.local.exasol_type import FRACTION_LIMIT
from exallm.local.sql.refusal import syntax_error
from exallm.local.sql.surface import to_parsable
from exallm.local.sql_error import SqlError

# Functions whose arguments have a grammar of their own (CAST(x AS t), SUBSTRING(x FROM n)).
_OWN_GRAMMAR = (
    "CAST",
    "EXTRACT",
    "GROUP_CONCAT",
    "LISTAGG",
    "POSITION",
    "SUBSTRING",
)


def _parse_listagg(reader: Any) -> exp.Expr:
    node: exp.Expr = ExasolParser.FUNCTION_PARSERS["LISTAGG"](reader)
    node.meta["listagg"] = True
    return node


class EmbeddedExasol(Exasol):
    """The grammar of Exasol, with function names left as they stand."""

    # NULL is the largest value of a sort: last ascending, first descending.
    NULL_ORDERING = "nulls_are_large"

    class Tokenizer(Exasol.Tokenizer):
        """Reads SYSTIMESTAMP as the name that it is to the parser below, REGEXP_LIKE as LIKE."""

        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            **{
                word: kind
                for word, kind in Exasol.Tokenizer.KEYWORDS.items()
                if word != "SYSTIMESTAMP"
            },
            "REGEXP_LIKE": TokenType.RLIKE,
        }

    class Parser(ExasolParser):
        """Parses every function call into ``exp.Anonymous`` but those with their own grammar."""

        FUNCTIONS = {}  # noqa: RUF012
        NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
        FUNCTION_PARSERS = {  # noqa: RUF012
            **{name: ExasolParser.FUNCTION_PARSERS[name] for name in _OWN_GRAMMAR},
            "LISTAGG": _parse_listagg,
        }

        def _parse_column(self) -> exp.Expr | None:
            # The parent drops the qualifier of LOCAL.alias, which changes what the name means.
            return parser.Parser._parse_column(self)

        def _parse_join(self, *arguments: Any, **options: Any) -> exp.Join | None:
            # A comma and a JOIN without a condition would look the same.
            is_comma = self._curr is not None and self._curr.token_type is TokenType.COMMA
            node: exp.Join | None = super()._parse_join(*arguments, **options)
            if node is not None:
                node.meta["comma"] = is_comma
            return node

        def _parse_types(
            self, check_func: bool = False, *arguments: Any, **options: Any
        ) -> exp.Expr | None:
            # sqlglot takes TEXT, STRING and others for types of Exasol's: keep what was written.
            start = self._curr
            node = None if check_func else self._parse_own_type()
            if node is None:
                node = super()._parse_types(check_func, *arguments, **options)
            if isinstance(node, exp.DataType):
                if not check_func:
                    self._match_texts(("UTF8", "ASCII"))
                node.meta["written"] = self._find_sql(start, self._prev)
                if check_func and node.meta["written"].upper() == "TIMESTAMP":
                    # A literal, TIMESTAMP '...', keeps the digits of a second that it has.
                    node.meta["written"] = f"TIMESTAMP({FRACTION_LIMIT})"
            return node

        def _parse_own_type(self) -> exp.Expr | None:
            """A type that sqlglot does not know, or not with its digits; None for any other."""
            if self._match_text_seq("HASHTYPE"):
                self._parse_digits("BYTE", "BIT")
            elif self._match_text_seq("INTERVAL", "YEAR"):
                self._parse_digits()
                self._parse_words("TO", "MONTH")
            elif self._match_text_seq("INTERVAL", "DAY"):
                self._parse_digits()
                self._parse_words("TO", "SECOND")
                self._parse_digits()
            else:
                return None
            return exp.DataType.build("VARCHAR")

        def _parse_digits(self, *units: str) -> None:
            """A number in parentheses, with one of the units, if it is there."""
            if self._match(TokenType.L_PAREN):
                self._match(TokenType.NUMBER)
                self._match_texts(units)
                if not self._match(TokenType.R_PAREN):
                    self.raise_error("Expected a number and )")

        def _parse_words(self, *words: str) -> None:
            if not self._match_text_seq(*words):
                self.raise_error(f"Expected {' '.join(words)}")


def parse_statement(sql: str) -> exp.Expr:
    """Parse one statement.

    :raises SqlError: 42000 where it does not parse, or holds more than one statement.
    """
    try:
        statements = [tree for tree in EmbeddedExasol().parse(to_parsable(sql)) if tree is not None]
    except SqlglotError as error:
        raise syntax_error(_first_line(error)) from error
    except RecursionError as error:
        raise SqlError("42000", "statement too complex: nested too deeply") from error
    if len(statements) != 1:
        raise syntax_error(f"expected one statement, found {len(statements)}")
    return statements[0]


def _first_line(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if details:
        first = details[0]
        near = (first.get("highlight") or "").strip()
        where = f"[line {first.get('line')}, column {first.get('col')}]"
        return f"unexpected '{near}' {where}" if near else f"{first.get('description')} {where}"
    return str(error).splitlines()[0]
