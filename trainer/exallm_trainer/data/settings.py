"""How data is prepared."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class PrepareSettings:
    """What decides the result beside the sources."""

    validation_share: float = 0.05
    """Share of the documents that are for validation, on average."""
    seed: int = 0
    """Another seed gives another split."""
    chunk_words: int = 200
    """Words that a chunk of text without questions has at most."""
    near_duplicate: float = 0.8
    """Resemblance of two paragraphs from which the later one is left out."""
    shared_words: int = 13
    """Words in a row that no paragraph may have in common with a held-out set."""

    def __post_init__(self) -> None:
        _require(0 <= self.validation_share < 1, "the validation share is from 0 to below 1")
        _require(self.chunk_words >= 16, "a chunk has at least 16 words")
        _require(0 < self.near_duplicate <= 1, "near duplicates resemble above 0 and up to 1")
        _require(self.shared_words >= 5, "shared words in a row are at least 5")


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise ExallmError(
            "E-EXALLM-DATA-16", f"the settings contradict: {rule}", "correct the setting"
        )
