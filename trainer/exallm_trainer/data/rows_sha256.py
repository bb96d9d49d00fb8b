"""A sha256 for rows that come from no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from exallm_trainer.data.rows import Row, RowReader


def rows_sha256(reader: RowReader, rows: Iterable[Row]) -> str:
    """Of the values that the reader takes, as JSON, row after row.

    What JSON has no form for is told as text; two rows of different text so differ.
    """
    digest = hashlib.sha256()
    for row in rows:
        values = {role: row[column] for role, column in reader.columns.items()}
        line = json.dumps(values, sort_keys=True, ensure_ascii=True, default=str)
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
