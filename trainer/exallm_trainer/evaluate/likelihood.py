"""How likely a model takes the right answers to be."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Likelihood:
    """Of the completions (the first right answer and the end of its line), given the prompts.

    :param tokens: that the completions have.
    :param text_bytes: of the completions in UTF-8; models with other tokens share this measure.
    :param perplexity: e to the mean loss of a token in nats.
    :param bits_per_byte: the whole loss in bits over ``text_bytes``.
    """

    tokens: int
    text_bytes: int
    perplexity: float
    bits_per_byte: float


def likelihood_of(nats: float, tokens: int, text_bytes: int) -> Likelihood:
    """The figures of a summed loss; ``tokens`` and ``text_bytes`` are above 0."""
    return Likelihood(tokens, text_bytes, math.exp(nats / tokens), nats / math.log(2) / text_bytes)
