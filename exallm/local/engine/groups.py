"""Rows that arrive sorted by group, cut into one stream a group."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

Group = Iterator[pa.RecordBatch]


def grouped(reader: Any, keys: int) -> Iterator[Group]:
    """A stream of batches for each group.

    A group's stream must be used up before the next group is asked for; memory holds one batch.

    :param reader: batches, sorted by their first ``keys`` columns.
    :param keys: number of key columns, which the groups no longer have; 0 makes one group.
    """
    pieces = _pieces(reader, keys)
    for _, group in itertools.groupby(pieces, key=lambda piece: piece[0]):
        yield (batch for _, batch in group)


def _pieces(reader: Any, keys: int) -> Iterator[tuple[tuple[object, ...], pa.RecordBatch]]:
    """Parts of batches with one key each."""
    for batch in reader:
        arguments = batch.select(range(keys, batch.num_columns))
        if keys == 0:
            if batch.num_rows:
                yield (), arguments
            continue
        start = 0
        rows = zip(*(column.to_pylist() for column in batch.columns[:keys]), strict=True)
        for key, run in itertools.groupby(rows):
            length = sum(1 for _ in run)
            yield key, arguments.slice(start, length)
            start += length
