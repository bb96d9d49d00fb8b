"""What a writer is asked, and what is read from its reply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PROMPT_VERSION = "1"
"""Raised whenever a word of the prompt changes; it stands in every question that was written."""

_PROMPT = """\
Read the passage and write {count} questions about it, each with its answer.
- The answer is a short piece of the passage, copied word for word.
- A reader who has the passage and nothing else can answer the question.
- The questions ask about different things.
- Write in the language of the passage.
Write two lines for each, and nothing else:
Question: ...
Answer: ...

Passage:
{passage}

"""
_LINE = re.compile(
    r"^[\s>*_#-]*(?:\d+\s*[.)]\s*)?[*_]*(?P<kind>question|answer|q|a)\s*\d*[*_]*\s*[:.][\s*_]*"
    r"(?P<text>.*)$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*\d+\s*[.)]\s*")
_QUOTES = "\"'`*_ \t\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e"


@dataclass(frozen=True)
class Pair:
    """A question and its answer, as the writer gave them."""

    question: str
    answer: str


@dataclass(frozen=True)
class Reply:
    """What could be read.

    :param broken: questions without an answer, answers without a question, and a last pair that the
        limit of tokens may have cut.
    """

    pairs: tuple[Pair, ...]
    broken: int


def synthesis_prompt(passage: str, count: int) -> str:
    """What a writer reads."""
    return _PROMPT.replace("{count}", str(count)).replace("{passage}", passage)


def read_reply(text: str, cut: bool) -> Reply:
    """The pairs of a reply, whatever markup or numbering stands around them.

    :param cut: whether it ended at the limit of tokens.
    """
    pairs: list[Pair] = []
    broken, question = 0, None
    for kind, value in _lines(text):
        if kind == "q":
            broken += question is not None
            question = value
        elif question is None or not value:
            broken += 1
            question = None
        else:
            pairs.append(Pair(question, value))
            question = None
    if question is not None:
        broken += 1
    elif cut and pairs:
        pairs.pop()
        broken += 1
    return Reply(tuple(pairs), broken or int(not pairs))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """``q`` or ``a`` and the text of each line that is one of the two."""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            kind = match["kind"][0].lower()
            yield kind, match["text"].strip(_QUOTES if kind == "a" else _QUOTES.replace("'", ""))
        elif line.rstrip(_QUOTES).endswith("?"):
            yield "q", _NUMBERED.sub("", line).strip(_QUOTES)
