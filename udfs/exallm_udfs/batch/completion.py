"""One text in, what the model writes after it out."""

from __future__ import annotations

from collections.abc import Sequence

from exallm_udfs.answer import extract_answer
from exallm_udfs.batch.model import Model
from exallm_udfs.batch.overflow import too_long
from exallm_udfs.batch.passages import last_passage
from exallm_udfs.batch.request import Request
from exallm_udfs.batch.task import Answer, Question
from exallm_udfs.engines.engine import Generation
from exallm_udfs.errors import ExallmError
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError


class Completion:
    """The task of ``GPT2_INFERENCE`` and ``AI_COMPLETE``; its column is the generated text.

    ``on_overflow`` is ``error`` by default; ``truncate`` keeps the end of the text, where the
    question stands.
    """

    width = 1
    stop: tuple[str, ...] = ()
    takes_spans = False

    def check(self, options: Options) -> None:
        """Raise E-EXALLM-SQL-3 for an option that has no meaning here."""
        options.refuse("min_score", "is for AI_ANSWER")
        if options.on_overflow == "window":
            raise ExallmError(
                "E-EXALLM-SQL-3",
                "options: 'on_overflow' can be 'window' for AI_ANSWER only",
                "use 'truncate' or 'error'",
            )

    def questions(self, request: Request, model: Model) -> list[Question] | RowError:
        text = request.text or ""
        prompt = model.prompt(text)
        if model.fits(prompt):
            return [Question(prompt)]
        if request.options.on_overflow != "truncate":
            return too_long(model, "the prompt")
        room = model.prompt_limit - model.count_tokens(model.prompt(""))
        kept = last_passage(text, room, model.count_tokens) if room > 0 else None
        if kept is None:
            return too_long(model, "the template")
        return [Question(model.prompt(kept.of(text)))]

    def answer(
        self,
        request: Request,
        model: Model,
        questions: Sequence[Question],
        generations: Sequence[Generation],
    ) -> Answer:
        generation = generations[0]
        text = extract_answer(generation.text, model.settings.stop)
        return Answer((text,), generation.finish_reason)
