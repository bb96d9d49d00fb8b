"""Small changes of known inputs, which find more than random bytes do."""

from __future__ import annotations

import random
from collections.abc import Sequence

_BYTES = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b"\\",
    b"(",
    b")",
    b"{",
    b"[",
    b"-1",
    b"1e999",
)
_NUMBERS = (b"0", b"-1", b"2147483648", b"9223372036854775808", b"1" * 40, b"1e308", b"0.1")
_LONGEST = 1 << 16


class Mutator:
    """Changes inputs; the same seed makes the same ones.

    :param words: parts that mean something to what is tested.
    """

    def __init__(self, seed: int, words: Sequence[bytes]) -> None:
        self.random = random.Random(seed)
        self._words = (*words, *_BYTES, *_NUMBERS)

    def mutated(self, corpus: Sequence[bytes]) -> bytes:
        """One of the inputs after a few changes."""
        data = self.random.choice(corpus)
        for _ in range(self.random.randint(1, 4)):
            change = self.random.choice(
                (self._flip, self._insert, self._delete, self._repeat, self._cut)
            )
            data = change(data) if data else self.random.choice(self._words)
        if self.random.random() < 0.2:
            data = self._spliced(data, self.random.choice(corpus))
        return data[:_LONGEST]

    def _place(self, data: bytes) -> int:
        return self.random.randrange(len(data) + 1)

    def _flip(self, data: bytes) -> bytes:
        place = self.random.randrange(len(data))
        return data[:place] + bytes([self.random.randrange(256)]) + data[place + 1 :]

    def _insert(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + self.random.choice(self._words) + data[place:]

    def _delete(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + data[place + self.random.randint(1, 8) :]

    def _repeat(self, data: bytes) -> bytes:
        place = self._place(data)
        part = data[place : place + self.random.randint(1, 30)]
        return data[:place] + part * self.random.choice((2, 3, 50)) + data[place:]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._place(data)]

    def _spliced(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]
