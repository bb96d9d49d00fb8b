"""Answers of a model that points at them in the context, computed in this process."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import torch

from exallm_trainer.evaluate.answers import GivenAnswer, Observer
from exallm_trainer.evaluate.model_under_test import ModelUnderTest
from exallm_trainer.example import Example
from exallm_trainer.recipe import SpanSettings
from exallm_trainer.train.span_logits import best_of_windows, span_logits
from exallm_udfs.best_span import ScoredSpan
from exallm_udfs.prompt import ContextQuestion
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanTokenizer, SpanWindow

# Of windows that are computed at once, as the engine of the UDFs does it.
_BATCH_TOKENS = 4096


class SpanAnswerer:
    """Reads each context in windows, as the UDFs do."""

    def __init__(self, under_test: ModelUnderTest, settings: SpanSettings) -> None:
        self._model, self._device = under_test.model, under_test.device
        self._settings = settings
        self._takes = set(under_test.tokenizer.model_input_names)
        self._tokenizer = SpanTokenizer(
            under_test.tokenizer.backend_tokenizer,
            settings.window_tokens,
            settings.overlap_tokens,
        )

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[GivenAnswer]:
        """The words of the context that answer each question, in their order.

        They are the answer as it stands: nothing is cut off, and no phrase says "no answer".
        """
        given = []
        for done, asked in enumerate(questions, start=1):
            given.append(self._one(asked))
            observe(done, len(questions))
        return given

    def likelihood(self, examples: Sequence[Example], observe: Observer) -> None:
        """None: such a model gives no text a probability."""
        return None

    def _one(self, asked: ContextQuestion) -> GivenAnswer:
        windows = self._tokenizer.windows(asked.question, asked.context)
        if isinstance(windows, RowError):
            return GivenAnswer(None, stopped=False)
        best = self._best(windows)
        if best is None:
            return GivenAnswer(None, stopped=True)
        text = best.span.of(asked.context)
        return GivenAnswer(text, stopped=True, log_probability=log(best.score))

    def _best(self, windows: Sequence[SpanWindow]) -> ScoredSpan | None:
        rows = max(1, _BATCH_TOKENS // max(map(len, windows)))
        found = []
        for at in range(0, len(windows), rows):
            batch = windows[at : at + rows]
            with torch.inference_mode():
                starts, ends = span_logits(self._model, batch, self._takes, self._device)
            found.append(best_of_windows(batch, starts, ends, self._settings.max_answer_tokens))
        return max((best for best in found if best), key=lambda each: each.score, default=None)
