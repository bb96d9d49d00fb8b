"""Rows as lines of a CSV file: the expressions with which DuckDB itself writes them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

from exallm.local.sql.kinds import Kind
from exallm.local.sql.names import text_literal
from exallm.local.sql.transfers import Export

_PLAIN = {
    "DECIMAL": frozenset(string.digits + "-."),
    "DOUBLE": frozenset(string.digits + "-+.e"),
    "DATE": frozenset(string.digits + "-"),
    "TIMESTAMP": frozenset(string.digits + "-.: "),
}
_OUT_OF_RANGE = "[22003] data exception - numeric value out of range."


class CsvWriter:
    """Writes the rows of one EXPORT."""

    def __init__(self, statement: Export) -> None:
        self._statement = statement
        self._format = statement.format
        special = self._format.separator + self._format.delimiter + self._format.row_end
        # A value with one of these is delimited: whatever separates, white space, and what would
        # make a comment of the line.
        self._special = frozenset(special + string.whitespace + "#")

    def header(self, names: Iterable[str]) -> str:
        """The line of column names, '' where none is wanted."""
        if not self._statement.with_column_names:
            return ""
        line = self._format.separator.join(self._name(name) for name in names)
        return line + self._format.row_end

    def line(self, columns: Sequence[tuple[str, Kind]]) -> str:
        """A DuckDB expression for the line of a row.

        :param columns: an expression each, with the kind of its values.
        """
        values = [self._value(expression, kind) for expression, kind in columns]
        separator = f", {_literal(self._format.separator)}, "
        return f"concat({separator.join(values)}, {_literal(self._format.row_end)})"

    def _value(self, expression: str, kind: Kind) -> str:
        text = self._delimited(self._text(expression, kind), kind)
        return f"coalesce({text}, {_literal(self._format.null)})"

    def _text(self, expression: str, kind: Kind) -> str:
        declared = kind.declared
        if declared is not None and declared.is_interval:
            parts = f"{_literal(declared.name)}, {declared.precision}, {declared.fraction}"
            return f"exallm_interval_text({expression}, {parts})"
        match kind.name:
            case "VARCHAR" | "HASHTYPE":
                return expression
            case "DECIMAL" | "DATE" | "NULL":
                return f"CAST({expression} AS VARCHAR)"
            case "BOOLEAN":
                true, false = (_literal(word) for word in self._statement.booleans)
                return f"CASE {expression} WHEN TRUE THEN {true} WHEN FALSE THEN {false} END"
            case "TIMESTAMP":
                return f"strftime({expression}, '%Y-%m-%d %H:%M:%S.%f')"
            case "DOUBLE":
                # Whole numbers have no point, and there are only finite ones.
                return (
                    f"CASE WHEN NOT isfinite({expression}) THEN error('{_OUT_OF_RANGE}')"
                    f" WHEN {expression} = trunc({expression}) AND abs({expression}) < 1e15"
                    f" THEN CAST(CAST({expression} AS BIGINT) AS VARCHAR)"
                    f" ELSE CAST({expression} AS VARCHAR) END"
                )
        return f"exallm_text({expression})"

    def _delimited(self, text: str, kind: Kind) -> str:
        delimiter = self._format.delimiter
        if not delimiter or self._statement.delimit == "NEVER":
            return text
        mark = _literal(delimiter)
        whole = f"{mark} || replace({text}, {mark}, {_literal(delimiter * 2)}) || {mark}"
        if self._statement.delimit == "ALWAYS":
            return f"({whole})"
        possible = _PLAIN.get(kind.name)
        if possible is not None and not possible & self._special:
            return text
        if possible is not None and " " in possible and delimiter not in possible:
            return f"({mark} || {text} || {mark})"
        # The most frequent one comes first: DuckDB looks no further where it is found.
        others = sorted(self._special - {delimiter}, key=lambda character: character != " ")
        has_special = " OR ".join(f"contains({text}, {_literal(other)})" for other in others)
        return (
            f"CASE WHEN contains({text}, {mark}) THEN {whole}"
            f" WHEN {has_special} THEN {mark} || {text} || {mark} ELSE {text} END"
        )

    def _name(self, name: str) -> str:
        delimiter, mode = self._format.delimiter, self._statement.delimit
        is_plain = mode == "AUTO" and not self._special & set(name)
        if not delimiter or mode == "NEVER" or is_plain:
            return name
        return delimiter + name.replace(delimiter, delimiter * 2) + delimiter


def _literal(text: str) -> str:
    """A text in DuckDB's SQL, whatever characters it has."""
    printable = "".join(character if character.isprintable() else "\0" for character in text)
    if "\0" not in printable:
        return text_literal(text)
    return "(" + " || ".join(f"chr({ord(character)})" for character in text) + ")"
