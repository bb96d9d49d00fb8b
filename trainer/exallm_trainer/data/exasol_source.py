"""A table or a query in Exasol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyexasol

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.login import ExasolLogin
from exallm_trainer.data.rows import Columns, RowReader, row_reader
from exallm_trainer.data.rows_sha256 import rows_sha256
from exallm_udfs.errors import ExallmError

_IDENTIFIER = r'(?:[A-Za-z]\w*|"[^"]+")'
_TABLE = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?")
_QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ExasolSource:
    """A table's name or a SELECT; nothing is changed, and nothing committed.

    The rows are put in an order of their own, since a database promises none.

    :param location: the table or the query.
    """

    name: str
    location: str
    login: ExasolLogin
    columns: Columns
    licence: str | None = None

    def sha256(self) -> str:
        """Of the columns that are read, row by row."""
        return rows_sha256(self._reader, self._rows)

    def documents(self, drops: Drops) -> Iterator[Document]:
        """As :meth:`exallm_trainer.data.rows.RowReader.documents` makes them of the rows.

        :raises ExallmError: E-EXALLM-DATA-2, -3, -5 or -11.
        """
        return self._reader.documents(self._rows)

    @cached_property
    def _reader(self) -> RowReader:
        return row_reader(self.name, self._table[0], self.columns)

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        names, values = self._table
        rows = [dict(zip(names, row, strict=True)) for row in values]
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))

    @cached_property
    def _table(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Names of the columns, and the rows."""
        query = self._query()
        login = self.login
        try:
            connection = pyexasol.connect(
                dsn=login.dsn,
                user=login.user,
                password=login.password,
                autocommit=False,
                encryption=login.encryption,
                client_name="exallm",
            )
            try:
                statement = connection.execute(query)
                return statement.column_names(), [tuple(row) for row in statement.fetchall()]
            finally:
                connection.close()
        except pyexasol.ExaError as error:
            # Without the context: the library's own text names the connection's settings.
            raise ExallmError(
                "E-EXALLM-DATA-11",
                f"the source {self.name} cannot be read from {login.dsn}: {error.message}",
                "check the database, the user and the query",
            ) from None

    def _query(self) -> str:
        if _QUERY.match(self.location):
            return self.location
        if _TABLE.fullmatch(self.location.strip()):
            return f"SELECT * FROM {self.location.strip()}"
        raise ExallmError(
            "E-EXALLM-DATA-5",
            f"the source {self.name} is neither a table nor a query",
            "name a table, or write a statement that begins with SELECT or WITH",
        )
