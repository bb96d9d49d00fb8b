"""Greedy generations that this process has computed, for equal prompts that come later."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from exallm_udfs.batch.model import Model
from exallm_udfs.engines.engine import Generation

_MOST_CHARACTERS = 8_000_000
# What an entry takes beside its text, in characters.
_ENTRY_CHARACTERS = 400


class KnownGenerations:
    """The latest generations by model, settings and prompt; memory is bounded.

    Prompts are kept as digests of 32 bytes: a passage may have two million characters.
    """

    def __init__(self, most_characters: int = _MOST_CHARACTERS) -> None:
        self._room = most_characters
        self._found: OrderedDict[bytes, Generation] = OrderedDict()

    def get(self, model: Model, prompt: str) -> Generation | None:
        """What the model wrote after this prompt, None where that is not known (any more)."""
        key = _key(model, prompt)
        if key not in self._found:
            return None
        self._found.move_to_end(key)
        return self._found[key]

    def add(self, model: Model, prompt: str, generation: Generation) -> None:
        """Keep a generation; the ones that were not asked for longest make room."""
        key = _key(model, prompt)
        if key in self._found:
            return
        self._found[key] = generation
        self._room -= _size(generation)
        while self._room < 0:
            _, oldest = self._found.popitem(last=False)
            self._room += _size(oldest)


def _key(model: Model, prompt: str) -> bytes:
    digest = blake2b(digest_size=32)
    engine = type(model.engine).__name__
    digest.update(f"{model.version} {engine} {model.settings!r} ".encode())
    digest.update(prompt.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _size(generation: Generation) -> int:
    return len(generation.text) + _ENTRY_CHARACTERS
