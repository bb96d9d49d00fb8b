"""A question and its context in, the answer as it stands in the context out."""

from __future__ import annotations

from collections.abc import Sequence

from exallm_udfs.answer import extract_answer, is_no_answer, without_label
from exallm_udfs.batch.candidate import WIDTH, Candidate, answer_of
from exallm_udfs.batch.model import Model
from exallm_udfs.batch.overflow import too_long
from exallm_udfs.batch.passages import first_passage, split_passages
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.task import Answer, Question
from exallm_udfs.engines.engine import Generation
from exallm_udfs.grounding import Span, ground
from exallm_udfs.prompt import ContextQuestion
from exallm_udfs.row_error import RowError


class Answering:
    """The task of ``AI_ANSWER``.

    Its columns are ANSWER, START_POS, END_POS, SCORE and GROUNDED. Positions count characters of
    the whole context from 1, the last one included. An answer that does not stand in the context
    keeps its generated text and has GROUNDED false and no positions; where there is no answer, all
    is NULL but the score of what ``min_score`` refused.

    ``on_overflow`` is ``window`` by default: a context that is too long is asked in overlapping
    windows, and of their answers that with the highest score wins, one that stands in the context
    before one that does not. ``truncate`` asks about the beginning of the context only.
    """

    width = WIDTH
    stop = ("\n",)
    takes_spans = True

    def questions(self, request: Request, model: Model) -> list[Question] | RowError:
        context = request.context or ""
        whole = self._question(request, model, Span(0, len(context)))
        if model.fits(whole.prompt):
            return [whole]
        if request.options.on_overflow == "error":
            return too_long(model, "the context with its question")
        frame = model.prompt(ContextQuestion("", request.text or "").text())
        room = model.prompt_limit - model.count_tokens(frame)
        if room <= 0:
            return too_long(model, "the question")
        if request.options.on_overflow == "truncate":
            first = first_passage(context, room, model.count_tokens)
            spans = [] if first is None else [first]
        else:
            spans = split_passages(context, room, model.count_tokens)
        if not spans:
            return too_long(model, "the question")
        return [self._question(request, model, span) for span in spans]

    def answer(
        self,
        request: Request,
        model: Model,
        questions: Sequence[Question],
        generations: Sequence[Generation],
    ) -> Answer:
        candidates = [
            candidate
            for question, generation in zip(questions, generations, strict=True)
            if (candidate := self._candidate(request, model, question, generation)) is not None
        ]
        return answer_of(candidates, request.options.min_score)

    def _question(self, request: Request, model: Model, span: Span) -> Question:
        part = span.of(request.context or "")
        return Question(model.prompt(ContextQuestion(part, request.text or "").text()), span)

    def _candidate(
        self, request: Request, model: Model, question: Question, generation: Generation
    ) -> Candidate | None:
        text = extract_answer(generation.text, model.settings.stop)
        if text is None or question.span is None:
            return None
        unlabelled = without_label(text)
        if not unlabelled or is_no_answer(unlabelled):
            return None
        part = question.span.of(request.context or "")
        asked = request.text or ""
        found = ground(text, part, asked) or ground(unlabelled, part, asked)
        if found is None:
            return Candidate(unlabelled, None, generation.score, generation.finish_reason)
        offset = question.span.start
        span = Span(offset + found.start, offset + found.end)
        return Candidate(found.of(part), span, generation.score, generation.finish_reason)
