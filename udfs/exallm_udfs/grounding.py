"""Where an answer stands in its context."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Below this F1 over words, a span of the context is another statement than the answer.
NEAREST_F1 = 0.75
# The question's words are looked for this many characters before and behind an occurrence.
_REACH = 150
_OCCURRENCES_RANKED = 200

_WORD = re.compile(r"\w+")
_NEGATIONS = frozenset({"no", "not", "never", "none", "nor", "neither", "without", "nobody", "t"})


@dataclass(frozen=True)
class Span:
    """Characters of a text, from ``start`` up to ``end``, counted from 0, ``end`` not included."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span from {self.start} to {self.end} has no characters")

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def ground(answer: str, context: str, question: str = "") -> Span | None:
    """The span of the context that says what the answer says; None where there is none.

    Tried in this order:

    1. the answer, letter for letter;
    2. its letters and digits, whatever case, blanks and punctuation are around them;
    3. the span whose words are nearest to the answer's, where their F1 is :data:`NEAREST_F1` at
       least, and numbers and negations are the same.

    A span begins and ends where words do. Of several as good ones that is taken around which most
    of the question's words stand, then the first.
    """
    answer = answer.strip()
    if not answer:
        return None
    found = _occurrences(re.escape(answer), context, 0)
    if not found:
        letters = [re.escape(letter) for letter in answer if letter.isalnum()]
        found = _occurrences(r"[\W_]*".join(letters), context, re.IGNORECASE) if letters else []
    if not found:
        found = _nearest(answer, context)
    return _beside(found, context, question)


def _occurrences(pattern: str, context: str, flags: int) -> list[Span]:
    found = []
    for match in re.finditer(pattern, context, flags):
        if not inside_word(context, match.start()) and not inside_word(context, match.end()):
            found.append(Span(match.start(), match.end()))
            if len(found) == _OCCURRENCES_RANKED:
                break
    return found


def inside_word(text: str, position: int) -> bool:
    """Whether a word goes on at the position, so that no answer begins or ends there."""
    return 0 < position < len(text) and _in_word(text[position - 1]) and _in_word(text[position])


def _in_word(character: str) -> bool:
    # Scripts whose letters have no case (Lo) may set no blanks between words.
    return character.isalnum() and unicodedata.category(character) != "Lo"


def _nearest(answer: str, context: str) -> list[Span]:
    """The spans with the highest F1 over words, of those that are near enough."""
    wanted = Counter(_words(answer))
    size = wanted.total()
    words = [(match.start(), match.end(), match[0].lower()) for match in _WORD.finditer(context)]
    longest = int(size * (2 / NEAREST_F1 - 1))
    best = NEAREST_F1
    spans: list[Span] = []
    for first, (start, _, word) in enumerate(words):
        # A span that begins or ends with another word is nearer without it.
        if word not in wanted:
            continue
        left = wanted.copy()
        common = 0
        for count, (_, end, other) in enumerate(words[first : first + longest], start=1):
            if left[other] <= 0:
                continue
            left[other] -= 1
            common += 1
            score = 2 * common / (size + count)
            if score >= best and _same_decisive(answer, context[start:end]):
                spans = [*spans, Span(start, end)] if score == best else [Span(start, end)]
                best = score
    return spans[:_OCCURRENCES_RANKED]


def _same_decisive(answer: str, span: str) -> bool:
    return _decisive(_words(answer)) == _decisive(_words(span))


def _decisive(words: Sequence[str]) -> list[str]:
    """The words that turn a statement into another one: numbers and negations."""
    return sorted(
        word for word in words if word in _NEGATIONS or any(letter.isdigit() for letter in word)
    )


def _beside(found: Sequence[Span], context: str, question: str) -> Span | None:
    if len(found) < 2:
        return found[0] if found else None
    asked = set(_words(question))

    def near(span: Span) -> int:
        around = context[max(0, span.start - _REACH) : span.end + _REACH]
        return len(asked & set(_words(around)))

    # max() takes the first of equals.
    return max(found, key=near)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
