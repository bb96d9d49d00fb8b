"""The way of many rows through their models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exallm_udfs.batch.extracting import Extracting
from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.batch.model import Model, Models
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Result, Usage
from exallm_udfs.batch.task import Task
from exallm_udfs.batch.writing import Writing
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options


class Pipeline:
    """Rows to results for one family of functions."""

    def __init__(self, models: Models, task: Task) -> None:
        self._models = models
        self._task = task
        self._known = KnownGenerations()

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Result]]:
        """Each request exactly once with its result, as results come, in no set order.

        What is wrong with a row is its result. An unknown model, a broken package, and options or
        a function that the model cannot serve raise, since the rows could not be computed at all.
        """
        groups: dict[tuple[ModelReference, Options], list[Request]] = {}
        for request in requests:
            if request.reference is None or not request.has_input:
                yield request, Result((None,) * self._task.width, "no_input", Usage())
            else:
                key = request.reference, request.options
                groups.setdefault(key, []).append(request)
        for (reference, options), members in groups.items():
            yield from self._answerer(reference, options).compute(members)

    def _answerer(self, reference: ModelReference, options: Options) -> Extracting | Writing:
        """What the model's package says that it is: a model that points, or one that writes."""
        found = self._models.get(reference, options)
        if not isinstance(found.engine, SpanReader):
            model = Model.of(found.version, found.manifest, found.engine, options, self._task.stop)
            return Writing(model, self._task, options, self._known)
        if not self._task.takes_spans:
            raise found.manifest.writes_no_text()
        settings = options.reading(found.manifest)
        return Extracting(found.version, found.engine, options, settings)
