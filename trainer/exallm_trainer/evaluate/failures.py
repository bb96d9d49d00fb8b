"""Wrong answers, grouped by what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.example import Example
from exallm_udfs.grounding import Span, ground
from exallm_udfs.metrics import exact_match, normalise_answer

NO_ANSWER_GIVEN = "no answer though there is one"
ANSWERED_UNANSWERABLE = "answered the unanswerable"
DID_NOT_STOP = "did not stop"
NOT_GROUNDED = "not grounded"
TOO_LONG = "span too long"
TOO_SHORT = "span too short"
OTHER_SPAN = "other span of the right sentence"
WRONG_SENTENCE = "wrong sentence"

# In the order in which they are told apart: the first that fits is the group.
GROUPS = (
    ANSWERED_UNANSWERABLE,
    NO_ANSWER_GIVEN,
    DID_NOT_STOP,
    NOT_GROUNDED,
    TOO_LONG,
    TOO_SHORT,
    OTHER_SPAN,
    WRONG_SENTENCE,
)

# A full stop behind an initial or a title of two letters (Dr., St.) ends nothing.
_SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\b[A-Z][a-z])[.!?]+[\"')\]]*\s+|\n+")


def failure_group(example: Example, answer: GivenAnswer) -> str | None:
    """The group of :data:`GROUPS` that a wrong answer belongs to; None for one that is right.

    Wrong is what is no exact match. ``did not stop`` and ``not grounded`` come before the groups of
    spans, since such an answer is no span. A sentence ends at a full stop, exclamation or question
    mark before a blank, so abbreviations may cut one in two.
    """
    if exact_match(answer.text, example.answers):
        return None
    if not example.answers:
        return ANSWERED_UNANSWERABLE
    if answer.text is None:
        return NO_ANSWER_GIVEN
    if answer.stopped is False:
        return DID_NOT_STOP
    given = ground(answer.text, example.context, example.question)
    if given is None:
        return NOT_GROUNDED
    words = normalise_answer(answer.text).split()
    accepted = [normalise_answer(text).split() for text in example.answers]
    if any(holds(words, right) for right in accepted):
        return TOO_LONG
    if any(holds(right, words) for right in accepted):
        return TOO_SHORT
    spans = [ground(text, example.context, example.question) for text in example.answers]
    same = any(span and _same_sentence(example.context, given, span) for span in spans)
    return OTHER_SPAN if same else WRONG_SENTENCE


def holds(words: Sequence[str], part: Sequence[str]) -> bool:
    """Whether all words of a part stand in a row among the words; an empty part does not."""
    size = len(part)
    return size > 0 and any(
        list(words[at : at + size]) == list(part) for at in range(len(words) - size + 1)
    )


def _same_sentence(context: str, one: Span, other: Span) -> bool:
    """Whether no sentence ends between where the two begin."""
    first, last = sorted((one.start, other.start))
    return not any(first < end.end() <= last for end in _SENTENCE_END.finditer(context))
