"""The data card: what the data is made from, by what rules, and what was left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.data.document import writable
from exallm_trainer.data.drops import Dropped
from exallm_trainer.json_values import from_json

CARD_FILE = "card.json"


@dataclass(frozen=True)
class SourceCard:
    """A source, and how much was read from it.

    :param location: a file's or folder's name, a name of the Hub, or a query.
    :param licence: None where nobody said it.
    :param synthetic: which model wrote it, when and by which prompt; None for what people wrote, as
        far as anybody knows.
    """

    name: str
    kind: str
    location: str
    sha256: str
    licence: str | None
    documents: int
    paragraphs: int
    questions: int
    synthetic: Mapping[str, Any] | None = None
    pairs: int = 0


@dataclass(frozen=True)
class SplitCard:
    """What is in a split."""

    documents: int
    examples: int
    texts: int
    pairs: int = 0


@dataclass(frozen=True)
class DataCard:
    """All that is told about prepared data.

    :param identity: sha256 of all that went in: sources, held-out sets, settings, rules.
    :param sha256: of the files that came out.
    :param files: their names and the sha256 of each.
    :param versions: of the packages whose behaviour shows in the result.
    """

    identity: str
    sha256: str
    sources: tuple[SourceCard, ...]
    held_out: tuple[SourceCard, ...]
    settings: Mapping[str, Any]
    dropped: tuple[Dropped, ...]
    train: SplitCard
    validation: SplitCard
    files: Mapping[str, str]
    versions: Mapping[str, str]

    def values(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def text(self) -> str:
        """The file's text."""
        values = json.dumps(self.values(), ensure_ascii=False, indent=2, sort_keys=True)
        return writable(values) + "\n"


def read_card(folder: Path) -> DataCard | None:
    """The card of a folder, None where it has none yet; ``ValueError`` where it is not one."""
    file = folder / CARD_FILE
    if not file.is_file():
        return None
    return from_json(DataCard, json.loads(file.read_text(encoding="utf-8")))
