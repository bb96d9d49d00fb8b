"""Texts that a tokenizer has to give back as they were."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

_RANDOM_TEXTS = 500
_LONGEST = 64
_SURROGATES = range(0xD800, 0xE000)
_PLANES = (range(0x80), range(0x800), range(0x10000), range(0x110000))
# What normalisation, division into words, and special tokens like to change.
_AWKWARD = (
    "",
    " ",
    "  two  blanks  ",
    "\t\n\r\n\v\f",
    "a\u00a0b\u2003c\u200bd",
    "e\u0301 \u00e9 \ufb01 \u1e9b\u0323",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\u0645\u0631\u062d\u0628\u0627 \u202eabc",
    "\ufeff\x00\x1b[0m\ufffd\ufffe",
    "<|endoftext|>",
    "Don't 1234567 't s",
)


def awkward_texts(seed: int = 0) -> list[str]:
    """Every character of one or two bytes, one of each 2,048 of the longer ones, random texts of
    every plane, and what tokenizers stumble over: together each byte that UTF-8 has."""
    generator = random.Random(seed)
    leads = [chr(point) for point in range(0x800)]
    leads += [chr(point) for point in range(0x800, 0x110000, 0x800) if point not in _SURROGATES]
    return [*_AWKWARD, *leads, *(_random_text(generator) for _ in range(_RANDOM_TEXTS))]


def changed_by(tokenizer: Any, texts: Iterable[str]) -> list[str]:
    """The texts that do not come back, letter for letter, from their tokens."""
    return [text for text in texts if _there_and_back(tokenizer, text) != text]


def _there_and_back(tokenizer: Any, text: str) -> str:
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    return str(
        tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    )


def _random_text(generator: random.Random) -> str:
    points = [
        generator.choice(generator.choice(_PLANES)) for _ in range(generator.randint(1, _LONGEST))
    ]
    return "".join(chr(point) for point in points if point not in _SURROGATES)
