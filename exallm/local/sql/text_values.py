"""Values of the text types with a form of their own: CHAR, HASHTYPE, ASCII texts."""

from __future__ import annotations

import re

from exallm.local.exasol_type import ExasolType
from exallm.local.sql_error import SqlError

_HEX = re.compile(r"[0-9a-f]*")


def padded(text: str, size: int) -> str:
    """The text with blanks up to the size; :raises SqlError: 22001 where it is longer."""
    if len(text) > size:
        raise SqlError("22001", "data exception - string data, right truncation.")
    return text.ljust(size)


def ascii_only(text: str) -> str:
    """The text unchanged; :raises SqlError: 22021 where a character is not in ASCII."""
    if not text.isascii():
        raise SqlError("22021", "data exception - character not in repertoire.")
    return text


def hash_digits(text: str, size: int) -> str:
    """The small hexadecimal digits of a hash; dashes and one pair of braces do not count.

    :param size: bytes of the hash.
    :raises SqlError: 22018 for a text that is no hash of this size.
    """
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    digits = bare.replace("-", "").lower()
    if len(digits) != 2 * size or not _HEX.fullmatch(digits):
        raise SqlError(
            "22018", f"data exception - invalid HASHTYPE({size} BYTE) value; Value: '{text[:80]}'"
        )
    return digits


def literal_text(text: str, type_: ExasolType) -> str:
    """A text of a statement as a value of a CHAR, VARCHAR or HASHTYPE; errors as above."""
    if type_.name == "HASHTYPE":
        return hash_digits(text, type_.size)
    if type_.character_set == "ASCII":
        ascii_only(text)
    fitting = padded(text, type_.size)
    return fitting if type_.name == "CHAR" else text
