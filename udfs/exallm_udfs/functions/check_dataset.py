"""Whether a table can be evaluated on, and its hash: what ``CHECK_DATASET`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.labelled_row import LabelledRow, dataset_sha256

PROBLEM_LIMIT = 2000


class CheckDataset:
    """A set function of ``task, row_id, context, prompt, label``."""

    def run(self, ctx: Any) -> None:
        """Emit one row: how many rows there are, their hash, and the first problem or NULL.

        The hash does not depend on the rows' order. A group without rows does not come here.
        """
        digests: dict[str | None, bytes] = {}
        while True:
            problem = self._read_row(ctx, digests)
            if problem is not None or not ctx.next():
                break
        if problem is not None:
            ctx.emit(None, None, problem[:PROBLEM_LIMIT])
        else:
            ctx.emit(len(digests), dataset_sha256(digests.values()), None)

    def _read_row(self, ctx: Any, digests: dict[str | None, bytes]) -> str | None:
        try:
            row = LabelledRow(ctx.task, ctx.row_id, ctx.context, ctx.prompt, ctx.label)
        except ValueError as error:
            return str(error)
        if row.row_id in digests:
            return f"the id {row.row_id!r} stands twice"
        digests[row.row_id] = row.digest()
        return None
