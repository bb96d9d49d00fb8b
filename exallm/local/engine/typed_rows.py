"""Rows of texts as rows of typed values, with the place of what cannot be converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa
from sqlglot import exp

from exallm.local.engine.failures import sql_error
from exallm.local.engine.relations import registered
from exallm.local.exasol_type import ExasolType
from exallm.local.sql.kinds import TEXT, convert, typed
from exallm.local.sql_error import SqlError

_ROWS = "exallm_rows"


class WrongValueError(Exception):
    """A value that does not become one of its column's type.

    :param row: its row in the table, from 0.
    :param column: its column, from 0.
    :param value: its text.
    :param reason: as the conversion said it.
    """

    def __init__(self, row: int, column: int, value: str, reason: SqlError) -> None:
        self.row, self.column, self.value, self.reason = row, column, value, reason
        super().__init__(reason.text)


class TypedRows:
    """Converts texts as an assignment to columns of these types does.

    The conversion runs on a connection of its own: where it fails, no transaction is lost.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, types: Sequence[ExasolType]) -> None:
        self._connection = connection.cursor()
        self._expressions = [
            convert(typed(exp.column(f"c{place}", quoted=True), TEXT), type_).sql("duckdb")
            for place, type_ in enumerate(types)
        ]

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def converted(self, texts: pa.Table) -> pa.Table:
        """The typed rows of a table with the text columns c0, c1, ...

        :raises WrongValueError: for the first row that has one.
        """
        (whole,) = self.pieces(texts, _raised) or [self._table(texts.slice(0, 0))]
        return whole

    def pieces(self, texts: pa.Table, reject: Callable[[WrongValueError], None]) -> list[pa.Table]:
        """The typed rows, in order, without those that have a wrong value.

        :param reject: is told of each such row; what it raises ends the conversion.
        """
        pieces: list[pa.Table] = []
        waiting = [(0, texts)]
        while waiting:
            first, part = waiting.pop()
            if not part.num_rows:
                continue
            try:
                pieces.append(self._table(part))
            except duckdb.Error as error:
                if part.num_rows == 1:
                    reject(self._wrong(first, part, error))
                    continue
                half = part.num_rows // 2
                waiting += [(first + half, part.slice(half)), (first, part.slice(0, half))]
        return pieces

    def _table(self, texts: pa.Table) -> pa.Table:
        return self._selected(texts, self._expressions)

    def _selected(self, texts: pa.Table, expressions: Sequence[str]) -> pa.Table:
        listed = ", ".join(f"{text} AS c{place}" for place, text in enumerate(expressions))
        with registered(self._connection, _ROWS, texts):
            return self._connection.sql(f"SELECT {listed} FROM {_ROWS}").to_arrow_table()

    def _wrong(self, row: int, texts: pa.Table, error: duckdb.Error) -> WrongValueError:
        """The first column of a row that fails."""
        for place, expression in enumerate(self._expressions):
            try:
                self._selected(texts, [expression])
            except duckdb.Error as one:
                value = str(texts.column(place)[0].as_py())
                return WrongValueError(row, place, value, sql_error(one))
        raise error


def _raised(wrong: WrongValueError) -> None:
    raise wrong
