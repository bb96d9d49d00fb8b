"""What every engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from exallm_udfs.row_error import RowError

SEED_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class GenerationSettings:
    """How to generate, with nothing left open.

    :param temperature: 0 always takes the likeliest token; the seed then has no effect.
    :param stop: texts that end the generation; they are not part of the text.
    """

    max_new_tokens: int
    temperature: float
    seed: int
    stop: tuple[str, ...]


@dataclass(frozen=True)
class Generation:
    """What a model wrote after one prompt.

    :param text: the continuation alone, without the stop string that ended it.
    :param prompt_tokens: tokens of the prompt.
    :param completion_tokens: tokens that were generated and kept, which the text may end inside.
    :param finish_reason: ``stop`` for a stop string or the model's end token, ``length`` for
        ``max_new_tokens``.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length"]


class Engine(Protocol):
    """A loaded model. Not safe to be used by two threads at once."""

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        """One result a prompt, in the order of the prompts.

        Prompts are taken as they are: no chat template is applied. What is wrong with one prompt
        is its result; what is wrong with the engine is raised.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text by itself, without the marks that a model sets around a prompt."""
        ...

    def close(self) -> None:
        """Free the memory; the engine is not used after this."""
        ...
