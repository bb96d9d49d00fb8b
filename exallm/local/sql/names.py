"""Names of tables and columns: as Exasol's SQL writes them, and as DuckDB stores them.

DuckDB compares names without regard to case; for Exasol "id" and ID are two names. So the small
letters of a name are stored as characters of Unicode's private use area, which no user may write,
and put back wherever a name is shown. Schemas carry a mark in front: none of them can be one of
DuckDB's own.
"""

from __future__ import annotations

import string

from sqlglot import exp

from exallm.local.sql.refusal import syntax_error
from exallm.local.sql.reserved_words import RESERVED_WORDS

NAME_LIMIT = 128
MARK = "\ue000"
_PRIVATE = "".join(chr(0xE000 + ord(letter)) for letter in string.ascii_lowercase)
_TO_STORED = str.maketrans(string.ascii_lowercase, _PRIVATE)
_TO_SHOWN = str.maketrans(_PRIVATE + MARK, string.ascii_lowercase + "\0")


def checked(name: str, is_quoted: bool) -> str:
    """The name that an identifier stands for: folded to upper case unless quoted.

    :raises SqlError: 42000 for a reserved word, or what cannot be a name.
    """
    if not is_quoted:
        name = name.upper()
        if name in RESERVED_WORDS:
            raise syntax_error(f"unexpected {name}: a reserved word is a name in quotes only")
    if not name:
        raise syntax_error("an identifier is empty")
    if len(name) > NAME_LIMIT:
        raise syntax_error(f"identifier is too long: {len(name)} characters, {NAME_LIMIT} at most")
    if any("\ue000" <= character <= "\uf8ff" or character == "\0" for character in name):
        raise syntax_error("an identifier has a character for private use, or NUL")
    return name


def folded(node: exp.Expr) -> str:
    """The name that a parsed identifier stands for; :raises SqlError: as :func:`checked`."""
    if not isinstance(node, exp.Identifier):
        raise syntax_error(f"unexpected {node.sql('exasol')}, expected an identifier")
    return checked(node.name, bool(node.args.get("quoted")))


def stored(name: str) -> str:
    """The name of a table or column as DuckDB stores it."""
    return name.translate(_TO_STORED)


def stored_schema(name: str) -> str:
    """The name of a schema as DuckDB stores it."""
    return MARK + stored(name)


def shown(text: str) -> str:
    """A text in which stored names stand, with the names as the user knows them."""
    return text.translate(_TO_SHOWN).replace("\0", "")


def shown_sql(expression: str) -> str:
    """A DuckDB expression for the shown form of the stored name that an expression gives."""
    return (
        f"replace(translate({expression}, '{_PRIVATE}', '{string.ascii_lowercase}'), '{MARK}', '')"
    )


def stored_identifier(name: str) -> exp.Identifier:
    """The identifier, for DuckDB, of the table or column of this name."""
    return exp.to_identifier(stored(name), quoted=True)


def quoted(name: str) -> str:
    """A name in quotes, as SQL takes it; a stored name in SQL for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def table_sql(schema: str, name: str) -> str:
    """A table in SQL that the engine writes itself."""
    return f"{quoted(stored_schema(schema))}.{quoted(stored(name))}"
