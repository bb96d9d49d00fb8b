"""Rows answered by a model that points at the answer in the context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exallm_udfs.batch.candidate import WIDTH, Candidate, answer_of
from exallm_udfs.batch.outcome import Outcome, equal_items, outcomes
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.result import Result, Usage, failed
from exallm_udfs.best_span import best_span
from exallm_udfs.engines.span_reader import ReadingSettings, SpanReader
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanWindow

# Of contexts whose windows are in memory at a time, unless one alone is longer.
_CHARACTERS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class _Reading:
    """What a model found in a context: the best span of each window that has one."""

    candidates: tuple[Candidate, ...]
    tokens: int


class Extracting:
    """Reads contexts for answers.

    A context that is longer than a window is read in overlapping ones, and of their answers that
    with the highest score wins; there is no answer where each window says so. ``on_overflow``
    ``truncate`` reads the first window only, ``error`` refuses the row. Options of generation have
    no effect, but ``max_new_tokens``, which bounds an answer here too.

    :param version: ``qa@v3``.
    """

    def __init__(
        self, version: str, reader: SpanReader, options: Options, settings: ReadingSettings
    ) -> None:
        self._version = version
        self._reader = reader
        self._options = options
        self._settings = settings

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Result]]:
        """Each row exactly once with its result; equal rows are read once."""
        pairs = [(request.text, request.context) for request in requests]
        waiting = equal_items(pairs, self._options.collapse_duplicates)
        for batch in self._batches(requests, waiting):
            read = outcomes(self._read, [requests[positions[0]] for positions in batch])
            for positions, outcome in zip(batch, read, strict=True):
                for position in positions:
                    yield requests[position], self._result(outcome)
                    outcome = replace(outcome, latency_ms=0.0)

    def _batches(
        self, requests: Sequence[Request], waiting: Sequence[list[int]]
    ) -> Iterator[list[list[int]]]:
        batch: list[list[int]] = []
        characters = 0
        for positions in waiting:
            more = requests[positions[0]].characters
            full = len(batch) == self._options.batch_rows or characters + more > _CHARACTERS_AT_ONCE
            if batch and full:
                yield batch
                batch, characters = [], 0
            batch.append(positions)
            characters += more
        if batch:
            yield batch

    def _read(self, requests: Sequence[Request]) -> list[_Reading | RowError]:
        windows = [self._windows(request) for request in requests]
        together = [window for some in windows if not isinstance(some, RowError) for window in some]
        scores = iter(self._reader.read(together, self._settings.reproducible))
        most = self._settings.max_answer_tokens
        found: list[_Reading | RowError] = []
        for request, some in zip(requests, windows, strict=True):
            if isinstance(some, RowError):
                found.append(some)
                continue
            candidates = []
            for window, score in zip(some, scores, strict=False):
                best = best_span(window, score.starts, score.ends, most)
                if best is not None:
                    text = best.span.of(request.context or "")
                    candidates.append(Candidate(text, best.span, best.score, "stop"))
            found.append(_Reading(tuple(candidates), sum(map(len, some))))
        return found

    def _windows(self, request: Request) -> list[SpanWindow] | RowError:
        windows = self._reader.windows(request.text or "", request.context or "")
        if isinstance(windows, RowError) or len(windows) == 1:
            return windows
        if self._options.on_overflow == "error":
            return RowError(
                "E-EXALLM-ROW-1",
                f"the context with its question needs {len(windows)} windows of what "
                f"{self._version} takes",
            )
        return windows[:1] if self._options.on_overflow == "truncate" else windows

    def _result(self, outcome: Outcome[_Reading]) -> Result:
        read = outcome.result
        if isinstance(read, RowError):
            usage = Usage(self._version, 0, 0, outcome.latency_ms)
            return failed(WIDTH, read, usage)
        answer = answer_of(read.candidates, self._options.min_score)
        usage = Usage(self._version, read.tokens, 0, outcome.latency_ms)
        return Result(answer.values, answer.finish_reason, usage)
