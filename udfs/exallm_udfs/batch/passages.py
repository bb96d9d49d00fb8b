"""A text that is longer than the model takes, cut into parts that it does take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exallm_udfs.grounding import Span

# Neighbouring parts share up to so many tokens, and no more than a quarter of a part, so that an
# answer at a cut stands whole in one of them.
OVERLAP_TOKENS = 128

_STEP_CHARACTERS = 100

CountTokens = Callable[[str], int]


def split_passages(text: str, limit: int, count_tokens: CountTokens) -> list[Span]:
    """Overlapping parts of up to ``limit`` tokens that together hold the whole text, in order.

    Cuts are at blanks where there are any. Empty where the text is empty or where ``limit`` does
    not hold a single character of it.
    """
    steps = list(_steps(text, limit, count_tokens))
    overlap = min(OVERLAP_TOKENS, limit // 4)
    passages: list[Span] = []
    first = 0
    while first < len(steps):
        tokens, end = 0, first
        while end < len(steps) and tokens + steps[end][1] <= limit:
            tokens += steps[end][1]
            end += 1
        if end == first:
            return []
        passages.append(Span(steps[first][0].start, steps[end - 1][0].end))
        if end == len(steps):
            break
        # The next part has to take the next step in, beside what it shares.
        room = min(overlap, limit - steps[end][1])
        first = end
        while first > 0 and steps[first - 1][1] <= room:
            first -= 1
            room -= steps[first][1]
    return passages


def first_passage(text: str, limit: int, count_tokens: CountTokens) -> Span | None:
    """As much of the text's beginning as ``limit`` tokens hold; None where they hold nothing."""
    end = tokens = 0
    for step, step_tokens in _steps(text, limit, count_tokens):
        tokens += step_tokens
        if tokens > limit:
            break
        end = step.end
    return Span(0, end) if end else None


def last_passage(text: str, limit: int, count_tokens: CountTokens) -> Span | None:
    """As much of the text's end as ``limit`` tokens hold; None where they hold nothing."""
    start, tokens = len(text), 0
    for step, step_tokens in reversed(list(_steps(text, limit, count_tokens))):
        tokens += step_tokens
        if tokens > limit:
            break
        start = step.start
    return Span(start, len(text)) if start < len(text) else None


def pieces(text: str, characters: int) -> Iterator[str]:
    """The text in pieces of up to so many characters, cut at blanks where there are any."""
    start = 0
    while start < len(text):
        end = _blank_before(text, start, min(start + characters, len(text)))
        yield text[start:end]
        start = end


def _steps(text: str, limit: int, count_tokens: CountTokens) -> Iterator[tuple[Span, int]]:
    """The text in short steps, each with its tokens; a step begins with the blanks before it."""
    start = 0
    while start < len(text):
        end = _blank_before(text, start, min(start + _STEP_CHARACTERS, len(text)))
        tokens = count_tokens(text[start:end])
        while tokens > limit and end - start > 1:
            end = start + (end - start) // 2
            tokens = count_tokens(text[start:end])
        yield Span(start, end), tokens
        start = end


def _blank_before(text: str, start: int, end: int) -> int:
    if end == len(text):
        return end
    for position in range(end, start, -1):
        if text[position].isspace():
            return position
    return end
