"""How much the bench measures."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class BenchSettings:
    """Numbers of rows and rounds; every figure is a median over the rounds.

    :param rows: questions for exallm and the bare engine; None takes all.
    :param rounds: how often each side of a comparison runs, in turns.
    :param printed_rows: rows a round for the article's function as printed.
    :param cached_rows: rows a round for the article's function with the model cached.
    :param extension_rows: rows a round for exasol-transformers-extension.
    :param passages: passages with five questions each, for sharing prefixes.
    :param distinct_prompts: prompts that are repeated, for collapsing duplicates.
    :param copies: how often each of them is there.
    :param first_answers: new processes whose first answer is timed.
    :param processes: UDF processes; the machine's cores are shared out among them.
    """

    rows: int | None = None
    rounds: int = 3
    printed_rows: int = 3
    cached_rows: int = 6
    extension_rows: int = 8
    passages: int = 60
    distinct_prompts: int = 100
    copies: int = 10
    first_answers: int = 5
    processes: int = os.cpu_count() or 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and value < 1:
                raise ValueError(f"{name} has to be at least 1")

    @classmethod
    def quick(cls) -> BenchSettings:
        """A smoke test: every benchmark runs, no figure means anything."""
        return cls(
            rows=10,
            rounds=1,
            printed_rows=1,
            cached_rows=1,
            extension_rows=1,
            passages=2,
            distinct_prompts=1,
            copies=2,
            first_answers=1,
            processes=1,
        )

    @property
    def threads(self) -> int:
        """CPU threads of one process."""
        return max(1, (os.cpu_count() or 1) // self.processes)

    @property
    def worker_limit(self) -> int:
        """The most UDF processes of one call; two are needed to see what the second one adds."""
        return max(2, self.processes)
