"""What a tokenizer makes of texts that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from exallm_trainer.tokenizer.round_trip import awkward_texts, changed_by
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class TokenizerFigures:
    """One tokenizer over some texts.

    :param vocabulary: its tokens, special ones too.
    :param text_bytes: of the texts in UTF-8.
    :param tokens: of the texts.
    :param bytes_per_token: the first over the second: more is better, since a text has less tokens.
    :param tried: texts that were turned into tokens and back: these, and awkward ones.
    :param changed: those that did not come back letter for letter.
    """

    name: str
    vocabulary: int
    text_bytes: int
    tokens: int
    bytes_per_token: float
    tried: int
    changed: int

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def judge(name: str, tokenizer: Any, texts: Sequence[str]) -> TokenizerFigures:
    """The figures of a tokenizer over texts.

    :raises ExallmError: E-EXALLM-TRAIN-54 where there is no text.
    """
    size = sum(len(text.encode()) for text in texts)
    if not size:
        raise ExallmError(
            "E-EXALLM-TRAIN-54",
            "the validation split holds no text, so no tokenizer can be judged",
            "prepare the data with a greater --validation-share",
        )
    tokens = sum(len(one) for one in tokenizer(list(texts), add_special_tokens=False)["input_ids"])
    tried = [*texts, *awkward_texts()]
    return TokenizerFigures(
        name=name,
        vocabulary=len(tokenizer),
        text_bytes=size,
        tokens=tokens,
        bytes_per_token=size / tokens,
        tried=len(tried),
        changed=len(changed_by(tokenizer, tried)),
    )
