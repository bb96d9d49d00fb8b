"""Functions of one row that return one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exallm_udfs.batch.error_limit import ErrorLimit
from exallm_udfs.batch.model import Models
from exallm_udfs.batch.pipeline import Pipeline
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Value
from exallm_udfs.batch.task import Task
from exallm_udfs.model_cache import close_all


class ScalarFunction:
    """A scalar function of a family.

    :param read: makes a request of the row that the context is at.
    """

    def __init__(self, models: Models, task: Task, read: Callable[[Any], Request]) -> None:
        self._models = models
        self._pipeline = Pipeline(models, task)
        self._read = read

    def run(self, ctx: Any) -> Value:
        """The row's answer; None for NULL, a blank text, no answer, and a row error.

        Raises for an unknown model, a broken package and wrong arguments, and E-EXALLM-ROW-5 for
        a row error where the options do not allow it.
        """
        request = self._read(ctx)
        _, result = next(self._pipeline.compute([request]))
        limit = ErrorLimit(group_rows=1)
        limit.count(request.options, result.error)
        return result.values[0]

    def close(self) -> None:
        """Free the models; for the script's ``cleanup()``."""
        self._models.close()
        close_all()
