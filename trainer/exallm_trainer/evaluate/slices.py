"""Which slices of a set a question belongs to."""

from __future__ import annotations

import re
from bisect import bisect_left

from exallm_trainer.example import Example

# Words of a context at most, and what the slice is called.
_LENGTHS = ((50, "to 50 words"), (100, "51 to 100"), (150, "101 to 150"), (250, "151 to 250"))
_LONGER = "over 250"

# Longer ones first: "how many" asks for something else than "how".
_QUESTION_WORDS = re.compile(
    r"\b(how\s+(?:many|much)|what|which|who|whom|whose|when|where|why|how)\b",
    re.IGNORECASE,
)
_KINDS = {"whom": "who", "whose": "who", "how much": "how many"}


def slices_of(example: Example) -> dict[str, str]:
    """Dimension to the slice of it that the example is in."""
    return {
        "context length": context_length(example.context),
        "question word": question_word(example.question),
        "source": example.source,
        "answer": "is there" if example.answers else "is not there",
    }


def context_length(context: str) -> str:
    """The bucket of a context by its words."""
    words = len(context.split())
    at = bisect_left([limit for limit, _ in _LENGTHS], words)
    return _LENGTHS[at][1] if at < len(_LENGTHS) else _LONGER


def question_word(question: str) -> str:
    """The first question word, wherever it stands (``In what year ...`` asks ``what``).

    ``how many`` also holds ``how much``, ``who`` also ``whom`` and ``whose``.
    """
    found = _QUESTION_WORDS.search(question)
    if found is None:
        return "other"
    word = " ".join(found[0].lower().split())
    return _KINDS.get(word, word)
