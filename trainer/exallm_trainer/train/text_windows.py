"""Running text as passages, so that the texts of a row do not see each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from exallm_trainer.data.token_cache import tokenised_texts
from exallm_trainer.train.passage import Branch, Passage
from exallm_udfs.errors import ExallmError


def text_windows(
    texts: Sequence[str], tokenizer: Any, window_tokens: int, folder: Path | None = None
) -> list[Passage]:
    """Each text in passages of at most ``window_tokens``, at least 2.

    A text stands between two tokens that end a text. A longer one is cut into windows, of which
    each begins with the last token of the one before, so every token of the text, and the one that
    ends it, is learnt exactly once.

    :param folder: keeps the tokens for the next time; None to keep none.
    :raises ExallmError: E-EXALLM-TRAIN-55 where the tokenizer has no token that ends a text.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise ExallmError(
            "E-EXALLM-TRAIN-55",
            "the tokenizer has no token that ends a text (eos_token)",
            "take another base or tokenizer; those of exallm tokenizer train have one",
        )
    begin = end if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    windows: list[Passage] = []
    for tokens in tokenised_texts(texts, tokenizer, folder):
        # Some tokenizers set the first token themselves.
        opened = tokens if tokens[:1] == (begin,) else (begin, *tokens)
        windows += _cut((*opened, end), window_tokens)
    return windows


def _cut(tokens: Sequence[int], window_tokens: int) -> Iterator[Passage]:
    for first in range(0, len(tokens) - 1, window_tokens - 1):
        learnt = tuple(tokens[first + 1 : first + window_tokens])
        yield Passage((tokens[first],), (Branch(learnt, len(learnt)),))
