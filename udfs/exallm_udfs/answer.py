"""The answer in what a model generated."""

from __future__ import annotations

from collections.abc import Sequence


def extract_answer(generated: str, stop: Sequence[str]) -> str | None:
    """The generated text up to its first stop string, without surrounding blanks.

    ``generated`` is the continuation alone, never the prompt. None where nothing is left, since
    Exasol has no empty string.
    """
    ends = [position for position in (generated.find(string) for string in stop) if position >= 0]
    return generated[: min(ends, default=len(generated))].strip() or None
