"""The answer in what a model generated."""

from __future__ import annotations

from collections.abc import Sequence


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
