"""The answer in what a model generated."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What models say where the context has no answer. Only a whole answer counts, without its
# punctuation; words that may well be an answer, such as "none", are not among them.
NO_ANSWER_PHRASES = frozenset(
    {
        "cannot be answered",
        "cannot be determined",
        "i do not know",
        "i don t know",
        "insufficient information",
        "no answer",
        "no answer found",
        "not answerable",
        "not given",
        "not in the context",
        "not mentioned",
        "not mentioned in the context",
        "not provided",
        "not specified",
        "not stated",
        "the answer is not in the context",
        "the context does not say",
        "unanswerable",
    }
)

_LABEL = re.compile(r"answer\s*:\s*", re.IGNORECASE)


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """The text up to where the first of the stop strings begins."""
    ends = [position for position in (text.find(string) for string in stop) if position >= 0]
    return text[: min(ends, default=len(text))]


def extract_answer(generated: str, stop: Sequence[str]) -> str | None:
    """The generated text up to its first stop string, without surrounding blanks.

    ``generated`` is the continuation alone, never the prompt. None where nothing is left, since
    Exasol has no empty string.
    """
    return cut_at_stop(generated, stop).strip() or None


def without_label(answer: str) -> str:
    """The answer without an ``Answer:`` that the model wrote again in front of it."""
    label = _LABEL.match(answer)
    return answer[label.end() :].strip() if label else answer


def is_no_answer(answer: str) -> bool:
    """Whether the whole answer is one of the phrases that say that there is none."""
    return " ".join(re.findall(r"\w+", answer.lower())) in NO_ANSWER_PHRASES
