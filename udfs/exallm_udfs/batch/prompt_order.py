"""The order in which prompts are computed."""

from __future__ import annotations

from collections.abc import Sequence

# Prompts that have so many characters in common behind the template are about the same document.
_SAME_DOCUMENT_CHARACTERS = 64


def order_prompts(prompts: Sequence[str], template_head: int) -> list[int]:
    """Positions of the prompts, ordered for the engine.

    Prompts about the same document follow each other, those with the longest common beginning
    nearest; documents are in order of length, so that what is computed together ends together.

    :param template_head: characters that all prompts begin with.
    """
    positions = sorted(range(len(prompts)), key=prompts.__getitem__)
    documents: list[list[int]] = []
    beginning = None
    for position in positions:
        shared = prompts[position][: template_head + _SAME_DOCUMENT_CHARACTERS]
        if shared != beginning:
            documents.append([])
            beginning = shared
        documents[-1].append(position)
    documents.sort(key=lambda document: max(len(prompts[position]) for position in document))
    return [position for document in documents for position in document]
