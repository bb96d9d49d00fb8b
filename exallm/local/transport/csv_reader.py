"""CSV files as tables of texts, block by block."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from exallm.local.sql.refusal import refused
from exallm.local.sql.transfers import CsvFormat, Import
from exallm.local.sql_error import SqlError
from exallm.local.transport.csv_rows import CsvRows

_BLOCK_BYTES = 32 * 1024 * 1024
_TRIMS = {"TRIM": pc.utf8_trim, "LTRIM": pc.utf8_ltrim, "RTRIM": pc.utf8_rtrim}


class Rejections:
    """Counts the rows that an IMPORT leaves out, over all its files.

    :param limit: the most there may be, None for any number.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._count = 0

    def add(self, error: SqlError) -> None:
        """Leave one more out; :raises SqlError: the given error where that is one too many."""
        self._count += 1
        if self._limit is not None and self._count > self._limit:
            raise error


class CsvReader:
    """Reads the files of one IMPORT.

    :param width: how many columns the table's part has.
    """

    def __init__(self, statement: Import, width: int, rejections: Rejections) -> None:
        self._statement = statement
        self._width = width
        self._rejections = rejections
        _check_characters(statement.format)

    def tables(self, data: Iterable[bytes], numbers: Sequence[int] | None) -> Iterator[pa.Table]:
        """The rows of one file: a column of texts for each of the table's.

        What is empty, or stands for NULL, is NULL.

        :param numbers: the columns of the file that are wanted, from 1; None for all there are.
        :raises SqlError: 42636 for what is no CSV of so many columns.
        """
        rows = CsvRows(self._statement.format, self._statement.skip)
        file = _Pieces(rows.pieces(data))
        if file.is_empty():
            return
        names = [f"f{number - 1}" for number in numbers or range(1, self._width + 1)]
        try:
            with self._opened(file, names, numbers is None) as reader:
                for batch in reader:
                    columns = [self._texts(rows, batch.column(name)) for name in names]
                    yield pa.table(columns, [f"c{i}" for i in range(len(names))])
        except pa.ArrowInvalid as error:
            raise self._malformed(str(error)) from error
        except pa.ArrowKeyError as error:
            raise self._malformed(f"a row has fewer columns than are wanted: {error}") from error

    def _opened(self, file: _Pieces, names: list[str], is_whole: bool) -> csv.CSVStreamingReader:
        form = self._statement.format
        return csv.open_csv(
            pa.PythonFile(file, mode="r"),
            csv.ReadOptions(
                block_size=_BLOCK_BYTES,
                column_names=names if is_whole else None,
                autogenerate_column_names=not is_whole,
            ),
            csv.ParseOptions(
                delimiter=form.separator,
                quote_char=form.delimiter or False,
                double_quote=bool(form.delimiter),
                newlines_in_values=bool(form.delimiter),
                ignore_empty_lines=False,
                invalid_row_handler=self._invalid,
            ),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.binary()),
                include_columns=None if is_whole else list(dict.fromkeys(names)),
                strings_can_be_null=False,
            ),
        )

    def _invalid(self, row: csv.InvalidRow) -> str:
        """A row with another number of columns; whether the reader goes on."""
        try:
            self._rejections.add(self._malformed(""))
        except SqlError:
            return "error"  # the reader's own message names the row
        return "skip"

    def _texts(self, rows: CsvRows, values: pa.Array) -> pa.Array:
        texts = rows.restored(values)
        trim = _TRIMS.get(self._statement.trim)
        if trim is not None:
            texts = trim(texts, characters=" ")
        null = self._statement.format.null
        is_null = pc.equal(texts, "")
        if null:
            is_null = pc.or_(is_null, pc.equal(texts, null))
        return pc.if_else(is_null, pa.scalar(None, pa.string()), texts)

    def _malformed(self, reason: str) -> SqlError:
        return SqlError("42636", f"ETL-5105: the CSV file cannot be read: {reason[:500]}")


class _Pieces(io.RawIOBase):
    """Pieces of data as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        self._fill()
        return not self._rest

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """As much as there is, until the target is full."""
        filled = 0
        while filled < len(target):
            self._fill()
            if not self._rest:
                break
            part = self._rest[: len(target) - filled]
            target[filled : filled + len(part)] = part
            self._rest = self._rest[len(part) :]
            filled += len(part)
        return filled

    def _fill(self) -> None:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))


def _check_characters(form: CsvFormat) -> None:
    for name, characters in (("SEPARATOR", form.separator), ("DELIMITER", form.delimiter)):
        if len(characters) > 1 or not characters.isascii():
            raise refused(60, f"a COLUMN {name} of several or other than ASCII characters")
