"""Marks of a model's prompt format, such as ``<|im_end|>``, that stand in a row's text."""

from __future__ import annotations

import re
from collections.abc import Callable

# What tokenizers use as special tokens: <s>, <|im_end|>, <start_of_turn>, [INST], [CLS].
_ANGLES = re.compile(r"<[^<>\s]{1,60}>")
_BRACKETS = re.compile(r"\[/?[A-Z_]{2,20}\]")
_CANDIDATES_KEPT = 10_000


class SpecialTokens:
    """Takes the effect out of special tokens.

    No tokenizer of an engine can be told to read them as plain text, so a blank goes in behind
    their first character: ``< |im_end|>`` has no meaning to a model.

    :param count_tokens: tokens of a text by itself.
    """

    def __init__(self, count_tokens: Callable[[str], int]) -> None:
        self._count_tokens = count_tokens
        self._known: dict[str, bool] = {}

    def disarm(self, text: str) -> str:
        """The text with a blank in each special token; all else stays as it is."""
        # One may stand inside what only looks like the other.
        return _BRACKETS.sub(self._broken, _ANGLES.sub(self._broken, text))

    def _broken(self, match: re.Match[str]) -> str:
        found = match[0]
        return f"{found[0]} {found[1:]}" if self._is_special(found) else found

    def _is_special(self, candidate: str) -> bool:
        # Written out, brackets and a name take several tokens: what takes one is a mark. A text
        # may hold any number of different candidates, so what is remembered is bounded.
        special = self._known.get(candidate)
        if special is None:
            special = self._count_tokens(candidate) == 1
            if len(self._known) < _CANDIDATES_KEPT:
                self._known[candidate] = special
        return special
