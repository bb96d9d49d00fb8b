"""The passages that a run trains on and those that it is checked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exallm_trainer.data.token_cache import tokenised
from exallm_trainer.example import Example
from exallm_trainer.tokenised import tokenise
from exallm_trainer.train.passage import Passage, passages_of
from exallm_trainer.train.request import TrainRequest
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class Splits:
    """Both splits as tokens.

    :param left_out: examples of both that have more tokens than the recipe takes.
    """

    training: Sequence[Passage]
    validation: Sequence[Passage]
    left_out: int


def read_splits(request: TrainRequest, tokenizer: Any, processes: int) -> Splits:
    """Tokenise the request's examples.

    :raises ExallmError: E-EXALLM-TRAIN-9 where a split has less than a passage for each process.
    """
    limit = request.recipe.optimisation.max_tokens
    training, left_out = _passages(request, request.examples, tokenizer)
    validation, more_left_out = _passages(request, request.validation, tokenizer)
    for name, passages in (("training", training), ("validation", validation)):
        if len(passages) < processes:
            raise ExallmError(
                "E-EXALLM-TRAIN-9",
                f"the {name} split has no examples of at most {limit} tokens for each process",
                "prepare more data, or raise max_tokens in the recipe",
            )
    return Splits(training, validation, left_out + more_left_out)


def _passages(
    request: TrainRequest, examples: Sequence[Example], tokenizer: Any
) -> tuple[list[Passage], int]:
    tokens = (
        tokenise(examples, tokenizer)
        if request.tokens is None
        else tokenised(examples, tokenizer, request.tokens)
    )
    return passages_of(examples, tokens, request.recipe.optimisation.max_tokens)
