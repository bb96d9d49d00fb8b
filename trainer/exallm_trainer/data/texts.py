"""The running text of a split: what a language model learns from, without questions."""

from __future__ import annotations

from collections.abc import Sequence

from exallm_trainer.data.chunk import TextChunk
from exallm_trainer.example import Example


def running_texts(chunks: Sequence[TextChunk], examples: Sequence[Example]) -> list[str]:
    """The chunks, then the contexts of the examples, each distinct text once and in order."""
    texts = [chunk.text for chunk in chunks] + [example.context for example in examples]
    return list(dict.fromkeys(texts))
