"""Answers as spans of their contexts: an encoder learns with which token each begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from torch.nn.functional import cross_entropy

from exallm_trainer.example import Example
from exallm_trainer.occurrence import place_of
from exallm_trainer.recipe import SpanSettings
from exallm_trainer.train.base_model import BaseModel, unreadable
from exallm_trainer.train.objective import Validation
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.span_logits import best_of_windows, span_logits
from exallm_udfs.grounding import Span, ground, inside_word
from exallm_udfs.metrics import exact_match
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanTokenizer, SpanWindow

# "No answer" begins and ends with a window's first token.
_NO_ANSWER = (0, 0)


@dataclass(frozen=True)
class SpanQuestion:
    """A question with the windows of its context.

    :param targets: of each window, the first and the last token of the answer; the first token
        twice where the answer does not stand whole in it.
    """

    example: Example
    windows: tuple[SpanWindow, ...]
    targets: tuple[tuple[int, int], ...]

    @property
    def computed_tokens(self) -> int:
        """Tokens of all windows."""
        return sum(map(len, self.windows))

    @property
    def example_tokens(self) -> int:
        """As many: nothing is shared."""
        return self.computed_tokens

    @property
    def learnt(self) -> int:
        """Windows."""
        return len(self.windows)


class Spans:
    """The objective of a recipe that learns to point (Devlin et al., 2018).

    Loss and answers are computed as inference does, from the same windows: an answer can begin and
    end where a word does.
    """

    def __init__(
        self,
        request: TrainRequest,
        settings: SpanSettings,
        start: BaseModel,
        device: torch.device,
    ) -> None:
        if not start.tokenizer.is_fast:
            raise unreadable(request.base, "its tokenizer is not a fast one of transformers")
        self._settings, self._device = settings, device
        self._takes = set(start.tokenizer.model_input_names)
        self._require_reading(start.model, request.base)
        tokenizer = SpanTokenizer(
            start.tokenizer.backend_tokenizer, settings.window_tokens, settings.overlap_tokens
        )
        most = request.recipe.optimisation.max_tokens
        self.training, left_out = span_questions(request.data.train, tokenizer, most)
        self.validation, more_left_out = span_questions(request.data.validation, tokenizer, most)
        self.left_out = left_out + more_left_out

    def _require_reading(self, model: Any, base: str) -> None:
        """What a model takes is asked of itself: its settings name it in many ways."""
        tokens = self._settings.window_tokens
        nothing = numpy.full(tokens, -1)
        window = SpanWindow(numpy.ones(tokens, int), numpy.zeros(tokens, int), nothing, nothing)
        try:
            with torch.no_grad():
                self._logits(model, [window])
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            problem = f"it cannot read span.window_tokens = {tokens} tokens: {error}"
            raise unreadable(base, problem.splitlines()[0]) from error

    def loss(self, model: Any, row: Sequence[SpanQuestion]) -> torch.Tensor:
        """In nats, over the windows of all questions: the mean of that of both ends."""
        windows = [window for question in row for window in question.windows]
        targets = [target for question in row for target in question.targets]
        wanted = torch.tensor(targets, device=self._device)
        starts, ends = self._logits(model, windows)
        return (
            cross_entropy(starts, wanted[:, 0], reduction="sum")
            + cross_entropy(ends, wanted[:, 1], reduction="sum")
        ) / 2

    def figures(self, model: Any, sample: SpanQuestion) -> Sequence[float]:
        """Loss, windows, whether the answer is one of those that count as right, and 1."""
        wanted = torch.tensor(sample.targets, device=self._device)
        starts, ends = self._logits(model, sample.windows)
        loss = cross_entropy(starts, wanted[:, 0], reduction="sum")
        loss += cross_entropy(ends, wanted[:, 1], reduction="sum")
        most = self._settings.max_answer_tokens
        best = best_of_windows(sample.windows, starts, ends, most)
        answer = None if best is None else best.span.of(sample.example.context)
        right = exact_match(answer, sample.example.answers)
        return loss.item() / 2, sample.learnt, right, 1.0

    def judged(self, sums: Sequence[float]) -> Validation:
        """Mean loss of a window, and the share of the questions that are answered right."""
        loss, windows, exact, questions = sums
        return Validation(loss / windows, exact / questions)

    def _logits(
        self, model: Any, windows: Sequence[SpanWindow]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return span_logits(model, windows, self._takes, self._device)


def span_questions(
    examples: Sequence[Example], tokenizer: SpanTokenizer, max_tokens: int
) -> tuple[list[SpanQuestion], int]:
    """The questions in the order of the examples, and how many examples were left out.

    Left out is what has no windows or more than ``max_tokens`` in all, and what has answers of
    which the first is nowhere in the context, or whole in none of its windows. Where the first
    answer stands more than once, the place that the data name is learnt, else the likeliest.
    """
    questions = []
    for example in examples:
        windows = tokenizer.windows(example.question, example.context)
        if isinstance(windows, RowError) or sum(map(len, windows)) > max_tokens:
            continue
        targets = _targets(example, windows)
        if targets is not None:
            questions.append(SpanQuestion(example, tuple(windows), targets))
    return questions, len(examples) - len(questions)


def _targets(example: Example, windows: Sequence[SpanWindow]) -> tuple[tuple[int, int], ...] | None:
    if not example.answers:
        return (_NO_ANSWER,) * len(windows)
    span = _annotated(example) or ground(example.answers[0], example.context, example.question)
    if span is None:
        return None
    targets = []
    for window in windows:
        first = (window.starts == span.start).nonzero()[0]
        last = (window.ends == span.end).nonzero()[0]
        whole = first.size and last.size
        targets.append((int(first[0]), int(last[0])) if whole else _NO_ANSWER)
    return None if set(targets) == {_NO_ANSWER} else tuple(targets)


def _annotated(example: Example) -> Span | None:
    """Where the data say that the first answer stands; None where that cuts a word."""
    answer, context = example.answers[0], example.context
    if example.occurrence is None:
        return None
    start = place_of(answer, context, example.occurrence)
    if start is None or any(inside_word(context, at) for at in (start, start + len(answer))):
        return None
    return Span(start, start + len(answer))
