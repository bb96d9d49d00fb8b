"""DESCRIBE: the columns of a table or view."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from exallm.local.engine.catalog import Catalog
from exallm.local.engine.result import ResultSet
from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql.environment import OutputColumn

_NAME = ExasolType("VARCHAR", size=128)
_TYPE = ExasolType("VARCHAR", size=40)
_TRUTH = ExasolType("VARCHAR", size=5)
_COMMENT = ExasolType("VARCHAR", size=2000)


def described(
    catalog: Catalog, schema: str, name: str, columns: Sequence[OutputColumn], full: bool
) -> ResultSet:
    """A row for each column.

    :param full: whether the comments on the columns are added.
    """
    nullable = dict(catalog.nullable_columns(schema, name))
    outputs = [
        Column("COLUMN_NAME", _NAME),
        Column("SQL_TYPE", _TYPE),
        Column("NULLABLE", _TRUTH),
        Column("DISTRIBUTION_KEY", _TRUTH),
        Column("PARTITION_KEY", _TRUTH),
    ]
    values: list[list[str | None]] = [
        [column.name for column in columns],
        [column.kind.type().sql() for column in columns],
        [_truth(nullable.get(column.name)) for column in columns],
        [_truth(False if nullable else None)] * len(columns),
        [_truth(False if nullable else None)] * len(columns),
    ]
    if full:
        outputs.append(Column("COLUMN_COMMENT", _COMMENT))
        values.append([catalog.column_comment(schema, name, c.name) for c in columns])
    arrays = [pa.array(column, pa.string()) for column in values]
    return ResultSet(tuple(outputs), pa.table(arrays, names=[o.name for o in outputs]))


def _truth(value: bool | None) -> str | None:
    return None if value is None else str(value).upper()
