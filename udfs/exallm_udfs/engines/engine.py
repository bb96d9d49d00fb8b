"""What every engine can do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal, Protocol

from exallm_udfs.answer import cut_at_stop
from exallm_udfs.row_error import RowError

SEED_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class GenerationSettings:
    """How to generate, with nothing left open.

    :param temperature: 0 always takes the likeliest token; the seed then has no effect.
    :param stop: texts that end the generation; they are not part of the text.
    :param reproducible: the same prompt gives the same bytes on the same kind of machine, whatever
        prompts and processes are beside it; this costs speed.
    :param share_prefixes: what prompts begin with in common is computed once, where the engine can;
        without effect where ``reproducible`` is asked for.
    """

    max_new_tokens: int
    temperature: float
    seed: int
    stop: tuple[str, ...]
    reproducible: bool = False
    share_prefixes: bool = True


@dataclass(frozen=True)
class Generation:
    """What a model wrote after one prompt.

    :param text: the continuation alone, without the stop string that ended it.
    :param prompt_tokens: tokens of the prompt.
    :param completion_tokens: tokens of the text, which may end inside the last of them.
    :param finish_reason: ``stop`` for a stop string or the model's end token, ``length`` for
        ``max_new_tokens``.
    :param score: 0 to 1: the geometric mean of the probabilities that the model gave the tokens of
        the text, before temperature; 0 where the text is empty.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length"]
    score: float


class Engine(Protocol):
    """A loaded model. Not safe to be used by two threads at once."""

    @property
    def context_length(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        ...

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        """One result a prompt, in the order of the prompts.

        Prompts are taken as they are: no chat template is applied. What is wrong with one prompt
        is its result; what is wrong with the engine is raised.
        """
        ...

    def encode(self, prompt: str) -> list[int]:
        """Token ids of a whole prompt, as many as its ``prompt_tokens``."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text by itself, without the marks that a model sets around a prompt."""
        ...

    def close(self) -> None:
        """Free the memory; the engine is not used after this."""
        ...


def refusal(
    prompt_tokens: int, settings: GenerationSettings, context_length: int
) -> RowError | None:
    """Why a prompt cannot be computed, or None."""
    if prompt_tokens == 0:
        return RowError("E-EXALLM-ROW-2", "the prompt has no tokens")
    if prompt_tokens + settings.max_new_tokens > context_length:
        return RowError(
            "E-EXALLM-ROW-1",
            f"the prompt has {prompt_tokens} tokens; with {settings.max_new_tokens} new ones "
            f"that is more than the {context_length} the model takes",
        )
    return None


def read_generation(
    token_ids: Sequence[int],
    log_probabilities: Sequence[float],
    decode: Callable[[Sequence[int]], str],
    settings: GenerationSettings,
    prompt_tokens: int,
    ended: bool,
) -> Generation:
    """The generation in the tokens that an engine wrote.

    :param token_ids: without the model's end token.
    :param log_probabilities: of each of the tokens.
    :param decode: the text of token ids.
    :param ended: whether the model itself or a stop string that the engine saw ended it.
    """
    generated = decode(token_ids)
    text = cut_at_stop(generated, settings.stop)
    cut = text != generated
    kept = len(token_ids)
    if cut:
        kept = bisect_left(range(kept), len(text), key=lambda count: len(decode(token_ids[:count])))
    return Generation(
        text=text,
        prompt_tokens=prompt_tokens,
        completion_tokens=kept,
        finish_reason="stop" if ended or cut else "length",
        score=exp(sum(log_probabilities[:kept]) / kept) if text else 0.0,
    )
