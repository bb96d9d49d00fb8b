"""What one row asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options

# What one window of rows may hold, whatever the input. Rows are ordered within a window only.
WINDOW_ROWS = 4096
WINDOW_CHARACTERS = 16_000_000


@dataclass(frozen=True)
class Request:
    """A row, checked.

    :param row_id: what the row is called in the output; never interpreted, may be NULL.
    :param reference: the model; None where the row names none.
    :param text: the prompt or the question; None where there is nothing to compute.
    :param context: what a question is about; None for functions without one.
    """

    row_id: str | None
    reference: ModelReference | None
    options: Options
    text: str | None
    context: str | None = None

    @property
    def characters(self) -> int:
        return len(self.text or "") + len(self.context or "")

    @property
    def has_input(self) -> bool:
        return self.reference is not None and self.text is not None


def filled(text: str | None) -> str | None:
    """The text itself; None where it is NULL or blank."""
    return text if text is not None and text.strip() else None


def read_windows(ctx: Any, read: Callable[[Any], Request]) -> Iterator[list[Request]]:
    """The rows of a group, as many at a time as :data:`WINDOW_ROWS` and
    :data:`WINDOW_CHARACTERS` allow; one row may be longer than that."""
    window: list[Request] = []
    characters = 0
    while True:
        request = read(ctx)
        window.append(request)
        characters += request.characters
        last = not ctx.next()
        if last or len(window) >= WINDOW_ROWS or characters >= WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
        if last:
            return
