"""Functions of many rows that emit one row for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exallm_udfs.batch.error_limit import ErrorLimit
from exallm_udfs.batch.model import Models
from exallm_udfs.batch.pipeline import Pipeline
from exallm_udfs.batch.request import Request, read_windows
from exallm_udfs.batch.task import Task
from exallm_udfs.model_cache import close_all


class SetFunction:
    """The ``_BATCH`` function of a family.

    :param read: makes a request of the row that the context is at.
    """

    def __init__(self, models: Models, task: Task, read: Callable[[Any], Request]) -> None:
        self._models = models
        self._pipeline = Pipeline(models, task)
        self._read = read

    def run(self, ctx: Any) -> None:
        """Emit one row for each row of the group: its id and the columns of its result.

        Rows are read, computed and emitted window by window, so memory is bounded whatever the
        group holds; they come out in no set order. Raises as :meth:`ScalarFunction.run` does.
        """
        limit = ErrorLimit(group_rows=ctx.size())
        for window in read_windows(ctx, self._read):
            for request, result in self._pipeline.compute(window):
                limit.count(request.options, result.error)
                ctx.emit(request.row_id, *result.columns())
        limit.finish()

    def close(self) -> None:
        """Free the models; for the script's ``cleanup()``."""
        self._models.close()
        close_all()
