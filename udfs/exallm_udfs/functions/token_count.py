"""Tokens of a text: what ``TOKEN_COUNT`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.batch.model import COUNTED_CHARACTERS
from exallm_udfs.batch.passages import pieces
from exallm_udfs.model_cache import close_all, loaded_model
from exallm_udfs.names import ModelReference
from exallm_udfs.registry import Registry, load_registry


class TokenCount:
    """A scalar function of a model reference and a text."""

    def __init__(self, exa: Any) -> None:
        self._exa = exa
        self._registry: Registry | None = None

    def run(self, ctx: Any) -> int | None:
        """Tokens of the parameter ``content`` in the tokenizer of ``model``; None for a NULL.

        The prompt's template is not counted. A text longer than the model's context is counted in
        pieces, which may make some tokens too many of it. An unknown model raises.
        """
        if ctx.model is None or ctx.content is None:
            return None
        if self._registry is None:
            self._registry = load_registry(self._exa)
        registered = self._registry.resolve(ModelReference.parse(ctx.model))
        loaded = loaded_model(registered, memory_limit=int(self._exa.meta.memory_limit))
        count_tokens = loaded.engine.count_tokens
        tokens = count_tokens(ctx.content)
        if tokens < loaded.manifest.context_length:
            return tokens
        # Tokenizers cut a longer text off in silence.
        return max(tokens, sum(map(count_tokens, pieces(ctx.content, COUNTED_CHARACTERS))))

    def close(self) -> None:
        """Free the tokenizers; for the script's ``cleanup()``."""
        self._registry = None
        close_all()
