"""How likely a model takes running text to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from exallm_trainer.evaluate.likelihood import Likelihood, likelihood_of
from exallm_trainer.train.row import row_of
from exallm_trainer.train.text_windows import text_windows


def text_likelihood(
    model: Any, tokenizer: Any, texts: Sequence[str], window_tokens: int
) -> Likelihood:
    """Of texts that are not all empty, each beginning anew, and of the token that ends each.

    :param model: a causal model of transformers, in evaluation mode.
    :param window_tokens: what a longer text is cut into; at most the model's positions.
    :raises ExallmError: E-EXALLM-TRAIN-55 where the tokenizer has no token that ends a text.
    """
    windows = text_windows(texts, tokenizer, window_tokens)
    nats = 0.0
    with torch.inference_mode():
        for window in windows:
            nats += row_of([window]).to(model.device).loss(model).item()
    size = sum(len(text.encode()) for text in texts)
    return likelihood_of(nats, sum(window.learnt for window in windows), size)
