"""What a model generated, and the answer that the product makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from exallm_udfs.answer import extract_answer, is_no_answer, without_label
from exallm_udfs.grounding import ground
from exallm_udfs.prompt import ContextQuestion

STOP = ("\n",)

FinishReason = Literal["stop", "length", "too_long", "refused"]
# Called with the questions that are done and all of them.
Observer = Callable[[int, int], None]


@dataclass(frozen=True)
class Generated:
    """The continuation of one prompt.

    :param text: without the prompt; it may hold a stop string and what follows it.
    :param finish_reason: ``stop`` at a stop string or at the model's own end; ``length`` at the
        limit of new tokens; ``too_long`` where the prompt does not fit, and nothing was generated;
        ``refused`` where a model behind an address will not answer.
    :param log_probability: mean over the tokens before the stop, in nats; None where there are none
        or where it is not known.
    """

    text: str
    finish_reason: FinishReason
    log_probability: float | None = None


def unobserved(done: int, total: int) -> None:
    """An observer that does nothing."""


@dataclass(frozen=True)
class GivenAnswer:
    """The answer to one question, from a model or from SQL.

    :param text: None where the model says that there is no answer.
    :param stopped: whether the generation ended of itself; None where that is not known.
    :param generated: what it was made from; None where nothing was, or where that is not known.
    :param log_probability: as in :class:`Generated`; of a span the log of its score.
    :param refused: whether the model would not answer.
    """

    text: str | None
    stopped: bool | None = None
    generated: str | None = None
    log_probability: float | None = None
    refused: bool = False


class Answerer(Protocol):
    """Whatever answers questions: a model in this process, or something that reaches one."""

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[GivenAnswer]:
        """One answer a question, in their order, as ``AI_ANSWER`` gives it."""
        ...


def answer_from(generated: Generated, asked: ContextQuestion) -> GivenAnswer:
    """The answer as ``AI_ANSWER`` gives it for the same generation.

    Cut at the stop string, without a label, and in the words of the context where it stands there.
    """
    return GivenAnswer(
        text=_answer_text(generated.text, asked),
        stopped=generated.finish_reason == "stop",
        generated=generated.text,
        log_probability=generated.log_probability,
        refused=generated.finish_reason == "refused",
    )


def _answer_text(generated: str, asked: ContextQuestion) -> str | None:
    text = extract_answer(generated, STOP)
    unlabelled = without_label(text) if text else ""
    if not text or not unlabelled or is_no_answer(unlabelled):
        return None
    found = ground(text, asked.context, asked.question) or ground(
        unlabelled, asked.context, asked.question
    )
    return found.of(asked.context) if found else unlabelled
