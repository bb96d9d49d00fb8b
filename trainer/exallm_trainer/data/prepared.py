"""Prepared data: a folder that training reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exallm_trainer.data.card import CARD_FILE, DataCard, SplitCard, read_card
from exallm_trainer.data.chunk import TextChunk, read_chunks
from exallm_trainer.data.file_text import sha256_of_file
from exallm_trainer.example import Example, read_examples
from exallm_udfs.errors import ExallmError

TRAIN_FILE = "train.jsonl"
VALIDATION_FILE = "validation.jsonl"
TRAIN_TEXTS_FILE = "train-texts.jsonl"
VALIDATION_TEXTS_FILE = "validation-texts.jsonl"
FILES = (TRAIN_FILE, VALIDATION_FILE, TRAIN_TEXTS_FILE, VALIDATION_TEXTS_FILE)
TOKENS_FOLDER = "tokens"


@dataclass(frozen=True)
class Prepared:
    """Examples and texts, each split by document.

    :param sha256: of the files, so of the data that is trained on.
    """

    train: list[Example]
    validation: list[Example]
    train_texts: list[TextChunk]
    validation_texts: list[TextChunk]
    sha256: str
    card: DataCard


def read_prepared(folder: Path) -> Prepared:
    """Read what :func:`exallm_trainer.data.prepare.prepare` wrote.

    :raises ExallmError: E-EXALLM-DATA-15 where the folder is not whole or was changed.
    """
    card = card_of(folder)
    if card is None:
        raise _not_whole(folder, f"it has no {CARD_FILE}")
    for name in FILES:
        if not (folder / name).is_file() or card.files.get(name) != sha256_of_file(folder / name):
            raise _not_whole(folder, f"{name} is not the file that was written")
    return Prepared(
        read_examples(folder / TRAIN_FILE),
        read_examples(folder / VALIDATION_FILE),
        read_chunks(folder / TRAIN_TEXTS_FILE),
        read_chunks(folder / VALIDATION_TEXTS_FILE),
        card.sha256,
        card,
    )


def in_memory(train: Sequence[Example], validation: Sequence[Example]) -> Prepared:
    """Examples of the caller's own making, which no folder holds; the card names no source."""
    identity = hashlib.sha256(repr((list(train), list(validation))).encode()).hexdigest()
    training, judging = (
        SplitCard(len({example.document for example in split}), len(split), 0)
        for split in (train, validation)
    )
    card = DataCard(identity, identity, (), (), {}, (), training, judging, {}, {})
    return Prepared(list(train), list(validation), [], [], identity, card)


def card_of(folder: Path) -> DataCard | None:
    """The folder's card, None where it has none.

    :raises ExallmError: E-EXALLM-DATA-15 where the card cannot be read.
    """
    try:
        return read_card(folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_whole(folder, f"its {CARD_FILE} cannot be read") from error


def _not_whole(folder: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DATA-15",
        f"{folder} does not hold prepared data: {problem}",
        "prepare the data again, into a new folder",
    )
