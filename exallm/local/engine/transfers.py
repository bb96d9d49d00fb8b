"""IMPORT and EXPORT: rows between tables and the files at the other end of tunnels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import duckdb
import pyarrow as pa
from sqlglot import exp

from exallm.local.engine.relations import changed_rows, registered
from exallm.local.engine.result import RowCount
from exallm.local.engine.statement_calls import StatementCalls
from exallm.local.engine.typed_rows import TypedRows, WrongValueError
from exallm.local.exasol_type import Column
from exallm.local.sql.assignments import chosen
from exallm.local.sql.environment import TranslatedQuery
from exallm.local.sql.names import MARK, quoted, stored_identifier
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.scope import Scope, UdfCalls
from exallm.local.sql.statements import Query, read_statement
from exallm.local.sql.transfers import Export, Import, TransferFile
from exallm.local.sql_error import SqlError
from exallm.local.transport.compression import packer, unpacked
from exallm.local.transport.csv_reader import CsvReader, Rejections
from exallm.local.transport.csv_writer import CsvWriter
from exallm.local.transport.http_tunnel import HttpTunnel
from exallm.local.transport.tunnels import Tunnels

_BATCH_ROWS = 16_384
_PATIENCE_S = 600.0
_stage_numbers = itertools.count(1)


class Transfers:
    """Runs IMPORT and EXPORT.

    :param scope: the surroundings of a statement with these calls.
    :param tunnels: the connections that clients have opened for it.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        scope: Callable[[UdfCalls], Scope],
        tunnels: Tunnels,
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._tunnels = tunnels

    # --- EXPORT --------------------------------------------------------------------------------

    def export_rows(self, statement: Export, calls: StatementCalls) -> RowCount:
        """Write the rows of a query, spread over the files; how many there were."""
        scope = self._scope(calls)
        parsed = read_statement(statement.query, scope.current_schema)
        if not isinstance(parsed, Query):
            raise syntax_error("EXPORT takes a table or a query in parentheses")
        query = _chosen(QueryTranslator(scope).query(parsed.tree), statement.files[0])
        writer = CsvWriter(statement)
        names = [f"c{place}" for place in range(len(query.columns))]
        line = writer.line([(n, c.kind) for n, c in zip(names, query.columns, strict=True)])
        # An alias on the line: DuckDB keeps the order of the query inside.
        sql = f"SELECT {line} AS line FROM ({query.node.sql('duckdb')}) AS q({', '.join(names)})"
        header = writer.header(column.name for column in query.columns)
        with ExitStack() as stack:
            reader = stack.enter_context(self._connection.sql(sql).to_arrow_reader(_BATCH_ROWS))
            tunnels = [stack.enter_context(self._tunnel(file, calls)) for file in statement.files]
            outputs = [
                _Output(tunnel, file.name, statement.format.encoding)
                for tunnel, file in zip(tunnels, statement.files, strict=True)
            ]
            for output in outputs:
                output.begin(header)
            rows = 0
            for batch, output in zip(reader, itertools.cycle(outputs)):
                rows += batch.num_rows
                output.write(_bytes(batch.column(0)))
            for output in outputs:
                output.end()
        return RowCount(rows)

    # --- IMPORT --------------------------------------------------------------------------------

    def import_rows(self, statement: Import, calls: StatementCalls) -> RowCount:
        """Put the rows of all files into the table, or none of them; how many there were."""
        table, columns = self._target(statement, calls)
        width = len(columns)
        for file in statement.files:
            if any(file.formats):
                raise refused(60, "FORMAT of a column in IMPORT")
            if file.columns is not None and len(file.columns) != width:
                raise SqlError("42000", f"{len(file.columns)} columns for {width} of the table")
        rejections = Rejections(statement.reject_limit)
        reader = CsvReader(statement, width, rejections)
        with self._stage(columns) as stage, ExitStack() as stack:
            converter = TypedRows(self._connection, [column.type for column in columns])
            stack.callback(converter.close)
            first = 0
            for file in statement.files:
                with self._tunnel(file, calls, reading=True) as tunnel:
                    pieces = unpacked(file.name, tunnel.pieces())
                    for texts in reader.tables(pieces, file.columns):
                        for rows in converter.pieces(texts, _reject(rejections, first)):
                            self._insert(stage, rows)
                        first += texts.num_rows
            names = exp.Schema(
                this=table, expressions=[stored_identifier(column.name) for column in columns]
            )
            sql = f"INSERT INTO {names.sql('duckdb')} SELECT * FROM {stage}"
            return RowCount(changed_rows(self._connection, sql))

    def _target(
        self, statement: Import, calls: StatementCalls
    ) -> tuple[exp.Table, tuple[Column, ...]]:
        """The table, and those of its columns that are filled."""
        name = statement.table
        node = exp.Table(
            this=exp.to_identifier(name.name, quoted=True),
            db=exp.to_identifier(name.schema, quoted=True) if name.schema else None,
        )
        sources = QueryTranslator(self._scope(calls)).sources
        table, _, columns = sources.target(node, "INSERT")
        table.set("alias", None)
        if statement.columns is None:
            return table, columns
        return table, chosen(columns, list(statement.columns))

    @contextmanager
    def _stage(self, columns: Sequence[Column]) -> Iterator[str]:
        """A table that holds the rows until all are there: a failure leaves nothing behind."""
        name = quoted(f"{MARK}import{next(_stage_numbers)}")
        listed = ", ".join(f"c{i} {c.type.duckdb()}" for i, c in enumerate(columns))
        self._connection.execute(f"CREATE TEMP TABLE {name} ({listed})")
        try:
            yield name
        except BaseException:
            with suppress(duckdb.Error):  # with a lost transaction the table is lost as well
                self._connection.execute(f"DROP TABLE {name}")
            raise
        self._connection.execute(f"DROP TABLE {name}")

    def _insert(self, stage: str, rows: pa.Table) -> None:
        view = f"{MARK}rows"
        with registered(self._connection, view, rows):
            self._connection.execute(f"INSERT INTO {stage} SELECT * FROM {quoted(view)}")

    @contextmanager
    def _tunnel(
        self, file: TransferFile, calls: StatementCalls, reading: bool = False
    ) -> Iterator[HttpTunnel]:
        tunnel = HttpTunnel(self._tunnels, file, reading, _PATIENCE_S)
        try:
            with calls.ending(tunnel.abort):
                tunnel.open()
                yield tunnel
        finally:
            tunnel.close()


class _Output:
    """One file that is written."""

    def __init__(self, tunnel: HttpTunnel, name: str, encoding: str) -> None:
        self._tunnel = tunnel
        self._packer = packer(name)
        self._encoding = encoding

    def begin(self, header: str) -> None:
        self._tunnel.begin_writing()
        self.write(header.encode())

    def write(self, data: bytes) -> None:
        if self._encoding != "utf-8":
            data = self._encoded(data.decode())
        self._tunnel.write(self._packer.compress(data))

    def end(self) -> None:
        self._tunnel.write(self._packer.flush())
        self._tunnel.end_writing()

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode(self._encoding)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            raise SqlError(
                "42636", f"ETL-5106: {self._encoding.upper()} has no character for {character!r}"
            ) from error


def _chosen(query: TranslatedQuery, file: TransferFile) -> TranslatedQuery:
    """The query, where it gives the columns that the file names; '' where it names none."""
    if any(file.formats):
        raise refused(60, "FORMAT of a column in EXPORT", "use TO_CHAR in the query")
    if file.columns is not None and file.columns != tuple(range(1, len(query.columns) + 1)):
        raise refused(60, "a list of some columns in EXPORT", "name them in the query")
    return query


def _bytes(lines: pa.Array) -> bytes:
    """The texts of a column, one after the other: what lies in its buffer, without a copy of it."""
    _, offsets, data = lines.buffers()
    if data is None:
        return b""
    places = pa.Array.from_buffers(pa.int32(), len(lines) + 1, [None, offsets], offset=lines.offset)
    first, last = places[0].as_py(), places[-1].as_py()
    return bytes(data.slice(first, last - first))


def _reject(rejections: Rejections, first: int) -> Callable[[WrongValueError], None]:
    def reject(wrong: WrongValueError) -> None:
        reason = wrong.reason.text.removeprefix("data exception - ")
        rejections.add(
            SqlError(
                "42636",
                f"ETL-3050: [Column={wrong.column} Row={first + wrong.row}] [Transformation of"
                f" value='{wrong.value[:80]}' failed - {reason}]",
            )
        )

    return reject
