"""What a question has to be; each filter gives the reason to leave one out, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from exallm_trainer.data.document import wording, words_of
from exallm_trainer.data.personal_data import personal_data
from exallm_trainer.synthesize.candidate import Candidate
from exallm_trainer.synthesize.settings import SynthesisSettings

Filter = Callable[[Candidate], str | None]


def length(settings: SynthesisSettings) -> Filter:
    """Words of question and answer."""

    def judge(candidate: Candidate) -> str | None:
        words = len(candidate.question.split())
        if words < settings.least_question_words:
            return "question too short"
        if words > settings.most_question_words:
            return "question too long"
        if len(candidate.answer.split()) > settings.most_answer_words:
            return "answer too long"
        return None

    return judge


def grounded(candidate: Candidate) -> str | None:
    """The answer stands in the passage, letter for letter, and not within a word."""
    found = _whole(candidate.answer, 0).search(candidate.passage.text)
    return None if found else "answer not in its passage"


def not_given_away(candidate: Candidate) -> str | None:
    """The question does not say the answer."""
    answer = f" {wording(candidate.answer)} "
    return "answer in its question" if answer in f" {wording(candidate.question)} " else None


def new(settings: SynthesisSettings) -> Filter:
    """No earlier question about the same passage asks the same, or nearly."""
    asked: dict[str, list[frozenset[tuple[str, ...]]]] = {}

    def judge(candidate: Candidate) -> str | None:
        own = _word_pairs(candidate.question)
        earlier = asked.setdefault(candidate.passage.sha256, [])
        if any(
            len(own & other) >= settings.similar_questions * len(own | other) for other in earlier
        ):
            return "duplicate"
        earlier.append(own)
        return None

    return judge


def without_personal_data(candidate: Candidate) -> str | None:
    """Neither question nor answer holds personal data that has a form."""
    found = personal_data(candidate.question) + personal_data(candidate.answer)
    return f"personal data: {found[0].kind}" if found else None


def without_words(phrases: Iterable[str]) -> Filter:
    """Neither question nor answer holds one of the words or phrases, whatever their case."""
    known = {tuple(words_of(phrase)) for phrase in phrases}
    sizes = sorted({len(words) for words in known})

    def judge(candidate: Candidate) -> str | None:
        for text in (candidate.question, candidate.answer):
            words = words_of(text)
            for size in sizes:
                runs = (tuple(words[at : at + size]) for at in range(len(words) - size + 1))
                if any(run in known for run in runs):
                    return "harmful word"
        return None

    return judge


def as_it_stands(answer: str, passage: str) -> str:
    """The answer as the passage spells it, without a full stop that the writer added."""
    for text in (answer, answer.rstrip(".!?,; ")):
        for flags in (0, re.IGNORECASE):
            found = _whole(text, flags).search(passage) if text else None
            if found:
                return found[0]
    return answer


def _whole(text: str, flags: int) -> re.Pattern[str]:
    """The text where neither end of it cuts a word in two."""
    before = r"(?<!\w)" if text[:1].isalnum() else ""
    after = r"(?!\w)" if text[-1:].isalnum() else ""
    return re.compile(before + re.escape(text) + after, flags)


def _word_pairs(text: str) -> frozenset[tuple[str, ...]]:
    words = ["", *words_of(text), ""]
    return frozenset(pairwise(words))
