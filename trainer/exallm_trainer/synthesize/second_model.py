"""The round trip: a second model answers, and has to say what the writer said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exallm_trainer.evaluate.answers import (
    Answerer,
    Generated,
    GivenAnswer,
    Observer,
    answer_from,
)
from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.model_place import ModelPlace
from exallm_trainer.synthesize.candidate import Candidate
from exallm_trainer.synthesize.generator import (
    Completion,
    Generator,
    ModelIdentity,
    Refusals,
)
from exallm_udfs.metrics import f1_score
from exallm_udfs.prompt import ContextQuestion

_PROMPT = """\
Answer the question with a few words copied from the passage, and write nothing else. If the \
passage does not hold the answer, write: unanswerable

"""


@dataclass(frozen=True)
class SecondModel:
    """A model that answers the questions again."""

    identity: ModelIdentity
    answerer: Answerer


def transformers_second(
    place: ModelPlace, base: str | None, template: str, cpu: bool
) -> SecondModel:
    """A model of transformers, asked as ``exallm evaluate`` asks it.

    :param template: of the prompt; a model that points is asked without one.
    """
    from exallm_trainer.evaluate.answerer import answerer_of
    from exallm_trainer.evaluate.model_under_test import load_model

    under_test = load_model(place, base, cpu)
    answerer = answerer_of(under_test, place.span() or Decoding(template))
    return SecondModel(ModelIdentity(place.name, under_test.sha256), answerer)


def chat_second(generator: Generator) -> SecondModel:
    """A model that is asked in words, as one behind an address."""
    return SecondModel(generator.identity, ChatAnswerer(generator))


class ChatAnswerer:
    """Answers questions with a model that is asked in words, as one behind an address."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[GivenAnswer]:
        """One answer a question, in their order, as ``AI_ANSWER`` gives it; none where the model
        refuses.

        :raises ExallmError: E-EXALLM-DATA-31 where it refuses every question.
        """
        answers: dict[int, GivenAnswer] = {}
        refusals = Refusals(self._generator.identity)
        for at in range(0, len(questions), self._generator.at_once):
            part = questions[at : at + self._generator.at_once]
            prompts = [_PROMPT + asked.text() for asked in part]
            for number, completion in self._generator.complete(prompts):
                refusals.count(completion)
                answers[at + number] = answer_from(_generated(completion), part[number])
            observe(len(answers), len(questions))
        refusals.require_an_answer()
        return [answers[number] for number in range(len(questions))]


def _generated(completion: Completion) -> Generated:
    if completion.refused is not None:
        return Generated("", "refused")
    return Generated(completion.text.lstrip(), "length" if completion.cut else "stop")


def doubts(
    candidates: Sequence[Candidate], second: Answerer, at_least: float, observe: Observer
) -> list[str | None]:
    """What speaks against each candidate: the second model says something else, or that there is
    no answer, or refuses to say anything; None where it agrees.

    :param at_least: F1 over words from which two answers say the same.
    """
    asked = [ContextQuestion(each.passage.text, each.question) for each in candidates]
    answers = second.answer(asked, observe)
    return [_doubt(*each, at_least) for each in zip(candidates, answers, strict=True)]


def _doubt(candidate: Candidate, answer: GivenAnswer, at_least: float) -> str | None:
    if answer.refused:
        return "the second model refuses it"
    if answer.text is None or f1_score(answer.text, [candidate.answer]) < at_least:
        return "the second model answers otherwise"
    return None
