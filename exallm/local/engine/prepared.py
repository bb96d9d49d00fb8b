"""Prepared statements: what is known of them, and the runs that values for their markers make."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from sqlglot import exp

from exallm.local.engine.catalog import Catalog
from exallm.local.engine.relations import registered
from exallm.local.engine.typed_rows import TypedRows, WrongValueError
from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql.assignments import is_default
from exallm.local.sql.changes import ChangeTranslator
from exallm.local.sql.names import MARK
from exallm.local.sql.parameters import Described, Given, Parameters, marker_count, value_node
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.scope import Scope
from exallm.local.sql.statements import Change, Query, Statement
from exallm.local.sql_error import SqlError

_relation_numbers = itertools.count(1)


@dataclass(frozen=True)
class Prepared:
    """A statement that was checked once, to be run with values.

    :param types: of its markers, in their order.
    :param columns: of the rows that it returns, None where it returns none.
    """

    sql: str
    types: tuple[ExasolType, ...]
    columns: tuple[Column, ...] | None


def describe(
    sql: str, statement: Statement, scope: Callable[[Parameters], Scope], catalog: Catalog
) -> Prepared:
    """Check a statement without running it.

    :param scope: its surroundings with these parameters; calls of scripts in it are not run.
    :raises SqlError: as the statement itself would, as far as its values have no part in it.
    """
    described = Described()
    if isinstance(statement, Query):
        query = QueryTranslator(scope(described)).query(statement.tree)
        types = described.types(marker_count(statement.tree))
        return Prepared(sql, types, catalog.output_columns(query))
    if isinstance(statement, Change):
        ChangeTranslator(QueryTranslator(scope(described))).translate(statement.tree)
        return Prepared(sql, described.types(marker_count(statement.tree)), None)
    return Prepared(sql, (), None)


@contextmanager
def runs(
    prepared: Prepared,
    statement: Statement,
    texts: pa.Table,
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[Iterator[Parameters | None]]:
    """What the statement is to be run with, once for each: one run for many rows where it can be.

    :param texts: a column of texts for each marker, and a row for each set of values.
    :raises SqlError: 22xxx for a value that is none of its marker's type, with the marker's number.
    """
    if not prepared.types:
        yield iter([None])
        return
    values = _converted(prepared, texts, connection)
    if not _is_plain_insert(statement):
        rows = zip(*(column.to_pylist() for column in values.columns), strict=True)
        yield (Given(prepared.types, _nodes(prepared, row)) for row in rows)
        return
    name = f"{MARK}parameters{next(_relation_numbers)}"
    table = exp.to_identifier(name, quoted=True)
    nodes = [exp.column(f"c{i}", table=table.copy()) for i in range(values.num_columns)]
    with registered(connection, name, values):
        yield iter([Given(prepared.types, nodes, name)])


def _nodes(prepared: Prepared, row: tuple[object, ...]) -> list[exp.Expr]:
    return [value_node(value, type_) for value, type_ in zip(row, prepared.types, strict=True)]


def _is_plain_insert(statement: Statement) -> bool:
    """Whether it is INSERT ... VALUES with one list of values."""
    if not isinstance(statement, Change) or not isinstance(statement.tree, exp.Insert):
        return False
    values = statement.tree.args.get("expression")
    if not isinstance(values, exp.Values) or len(values.expressions) != 1:
        return False
    (row,) = values.expressions
    # DEFAULT has a meaning in VALUES only.
    return isinstance(row, exp.Tuple) and not any(is_default(v) for v in row.expressions)


def _converted(
    prepared: Prepared, texts: pa.Table, connection: duckdb.DuckDBPyConnection
) -> pa.Table:
    converter = TypedRows(connection, prepared.types)
    try:
        return converter.converted(texts)
    except WrongValueError as wrong:
        raise SqlError(
            wrong.reason.code,
            f"{wrong.reason.text} (parameter {wrong.column + 1}, row {wrong.row + 1})",
        ) from wrong
    finally:
        converter.close()
