"""Which of several equal texts in a context is meant."""

from __future__ import annotations


def occurrence_at(text: str, context: str, start: int) -> int | None:
    """How many times the text stands in the context before ``start``; None where it is not there.

    The number stays right where context and text are cleaned alike; the position does not.
    """
    if not text or context[start : start + len(text)] != text:
        return None
    return sum(place < start for place in _places(text, context))


def place_of(text: str, context: str, occurrence: int) -> int | None:
    """Where that occurrence begins, in characters; None where there are fewer."""
    places = _places(text, context)
    return places[occurrence] if occurrence < len(places) else None


def _places(text: str, context: str) -> list[int]:
    places: list[int] = []
    place = context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return places
