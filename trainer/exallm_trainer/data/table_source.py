"""Tables in files: JSON, JSON lines, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import (
    MAX_LINE,
    not_utf8,
    read_bytes,
    read_text,
    sha256_of_file,
    too_long,
    utf8_lines,
)
from exallm_trainer.data.rows import Columns, Row, RowReader, row_reader
from exallm_udfs.errors import ExallmError

_Made = TypeVar("_Made")
_Asked = tuple[tuple[str, str], Row]


@dataclass(frozen=True)
class TableSource:
    """One file, read by its ending: ``.json``, ``.jsonl``, ``.csv``, ``.tsv`` or ``.parquet``.

    A JSON file is a list of objects, or has one as its only member or as ``data``.
    """

    name: str
    file: Path
    columns: Columns
    licence: str | None = None

    @property
    def location(self) -> str:
        return self.file.name

    def sha256(self) -> str:
        """Of the file."""
        return sha256_of_file(self.file)

    def documents(self, drops: Drops) -> Iterator[Document]:
        """As :meth:`exallm_trainer.data.rows.RowReader.documents` makes them of the rows.

        :raises ExallmError: E-EXALLM-DATA-1, -2, -3, -6, -8 or -9.
        """
        return self.read(lambda present, rows: self._reader(present).documents(rows))

    def questions(self) -> Iterator[_Asked]:
        """Each row with its context and question; errors as of :meth:`documents`."""

        def asked(present: Sequence[str], rows: Iterator[Row]) -> Iterator[_Asked]:
            reader = self._reader(present)
            for number, row in enumerate(rows, start=1):
                context = reader.text(row, "context", number)
                yield (context, reader.text(row, "question", number)), row

        return self.read(asked)

    def read(
        self, made_of: Callable[[Sequence[str], Iterator[Row]], Iterator[_Made]]
    ) -> Iterator[_Made]:
        """What is made of the names of the columns and the rows.

        :raises ExallmError: E-EXALLM-DATA-1, -6, -8 or -9, and those of ``made_of``.
        """
        try:
            yield from made_of(*self._table())
        except (OSError, ValueError, TypeError, KeyError, RecursionError, csv.Error) as error:
            raise self._not_in_form(f"{type(error).__name__} {error}") from error

    def _reader(self, present: Sequence[str]) -> RowReader:
        return row_reader(self.name, present, self.columns)

    def _table(self) -> tuple[Sequence[str], Iterator[Row]]:
        """Names of the columns, and the rows."""
        ending = self.file.suffix.casefold()
        if ending == ".parquet":
            return self._parquet()
        if ending in (".csv", ".tsv"):
            return self._csv("\t" if ending == ".tsv" else ",")
        if ending in (".jsonl", ".ndjson"):
            return _objects(self._json_lines())
        if ending == ".json":
            return _objects(iter(_list(self._json())))
        raise self._not_in_form(f"the ending {ending or 'none'} is unknown")

    def _parquet(self) -> tuple[Sequence[str], Iterator[Row]]:
        import pyarrow
        from pyarrow import parquet

        try:
            opened = parquet.ParquetFile(self.file)
            rows = (row for batch in opened.iter_batches() for row in batch.to_pylist())
            return list(opened.schema_arrow.names), rows
        except (OSError, pyarrow.ArrowException) as error:
            raise self._not_in_form(str(error).splitlines()[0]) from error

    def _csv(self, delimiter: str) -> tuple[Sequence[str], Iterator[Row]]:
        csv.field_size_limit(MAX_LINE)
        text = read_text(self.file)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return list(reader.fieldnames or ()), self._whole_rows(reader)

    def _whole_rows(self, reader: csv.DictReader[str]) -> Iterator[Row]:
        for row in reader:
            if None in row or None in row.values():
                raise self._not_in_form(f"line {reader.line_num} has not the header's columns")
            yield row

    def _json_lines(self) -> Iterator[Any]:
        for number, line in utf8_lines(self.file):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise self._not_in_form(f"line {number}: {error}") from error

    def _json(self) -> Any:
        data = read_bytes(self.file)
        try:
            return json.loads(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise not_utf8(self.file, data.count(b"\n", 0, error.start) + 1) from error

    def _not_in_form(self, problem: str) -> ExallmError:
        if "field larger than field limit" in problem:
            return too_long(f"{self.file} has a field of more than {MAX_LINE} bytes")
        return ExallmError(
            "E-EXALLM-DATA-8",
            f"{self.file} is no table that can be read: {problem}",
            "name a whole .json, .jsonl, .csv, .tsv or .parquet file",
        )


def _objects(values: Iterator[Any]) -> tuple[Sequence[str], Iterator[Row]]:
    """Columns are those of the first object; one that a later object lacks is null there."""
    first = next(values, None)
    if first is None:
        return [], iter(())
    names = list(_object(first))
    rows = (_object(value) for value in chain([first], values))
    return names, ({name: row.get(name) for name in names} for row in rows)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a row is an object, not {type(value).__name__}")
    return value


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value["data"] if "data" in value else next(iter(value.values()), None)
    if not isinstance(value, list):
        raise TypeError("a list of objects is expected")
    return value
