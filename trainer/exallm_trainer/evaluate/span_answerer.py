"""Answers of a model that points at them in the context, computed in this process."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import torch

from exallm_trainer.evaluate.answers import Generated, Observer
from exallm_trainer.evaluate.model_under_test import ModelUnderTest
from exallm_trainer.example import NO_ANSWER, Example
from exallm_trainer.recipe import SpanSettings
from exallm_trainer.train.span_logits import best_of_windows, span_logits
from exallm_udfs.prompt import ContextQuestion
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanTokenizer


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

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[Generated]:
        """The words of the context that answer each question, in their order."""
        given = []
        for done, asked in enumerate(questions, start=1):
            given.append(self._one(asked))
            observe(done, len(questions))
        return given

    def likelihood(self, examples: Sequence[Example], observe: Observer) -> None:
        """None: such a model gives no text a probability."""
        return None

    def _one(self, asked: ContextQuestion) -> Generated:
        windows = self._tokenizer.windows(asked.question, asked.context)
        if isinstance(windows, RowError):
            return Generated("", "too_long")
        with torch.inference_mode():
            starts, ends = span_logits(self._model, windows, self._takes, self._device)
        best = best_of_windows(windows, starts, ends, self._settings.max_answer_tokens)
        if best is None:
            return Generated(NO_ANSWER, "stop")
        return Generated(best.span.of(asked.context), "stop", log(best.score))
