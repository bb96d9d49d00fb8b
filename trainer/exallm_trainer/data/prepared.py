"""Prepared data: a folder that training reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exallm_trainer.data.card import CARD_FILE, DataCard, SplitCard, read_card
from exallm_trainer.data.chunk import TextChunk, read_chunks
from exallm_trainer.data.file_text import sha256_of_file
from exallm_trainer.example import Example, read_examples
from exallm_trainer.preference_pair import PreferencePair, read_pairs
from exallm_udfs.errors import ExallmError

TRAIN_FILE = "train.jsonl"
VALIDATION_FILE = "validation.jsonl"
TRAIN_TEXTS_FILE = "train-texts.jsonl"
VALIDATION_TEXTS_FILE = "validation-texts.jsonl"
TRAIN_PAIRS_FILE = "train-pairs.jsonl"
VALIDATION_PAIRS_FILE = "validation-pairs.jsonl"
FILES = (TRAIN_FILE, VALIDATION_FILE, TRAIN_TEXTS_FILE, VALIDATION_TEXTS_FILE)
PAIRS_FILES = (TRAIN_PAIRS_FILE, VALIDATION_PAIRS_FILE)
"""There where a source has preference pairs."""
TOKENS_FOLDER = "tokens"


@dataclass(frozen=True)
class Prepared:
    """Examples, texts and preference pairs, each split by document.

    :param sha256: of the files, so of the data that is trained on.
    """

    train: list[Example]
    validation: list[Example]
    train_texts: list[TextChunk]
    validation_texts: list[TextChunk]
    sha256: str
    card: DataCard
    train_pairs: list[PreferencePair] = field(default_factory=list)
    validation_pairs: list[PreferencePair] = field(default_factory=list)


def read_prepared(folder: Path) -> Prepared:
    """Read what :func:`exallm_trainer.data.prepare.prepare` wrote.

    :raises ExallmError: E-EXALLM-DATA-15 where the folder is not whole or was changed.
    """
    card = card_of(folder)
    if card is None:
        raise _not_whole(folder, f"it has no {CARD_FILE}")
    pairs_files = [name for name in PAIRS_FILES if name in card.files]
    for name in (*FILES, *pairs_files):
        if not (folder / name).is_file() or card.files.get(name) != sha256_of_file(folder / name):
            raise _not_whole(folder, f"{name} is not the file that was written")
    return Prepared(
        read_examples(folder / TRAIN_FILE),
        read_examples(folder / VALIDATION_FILE),
        read_chunks(folder / TRAIN_TEXTS_FILE),
        read_chunks(folder / VALIDATION_TEXTS_FILE),
        card.sha256,
        card,
        *(read_pairs(folder / name) for name in pairs_files),
    )


def in_memory(
    train: Sequence[Example],
    validation: Sequence[Example],
    train_pairs: Sequence[PreferencePair] = (),
    validation_pairs: Sequence[PreferencePair] = (),
) -> Prepared:
    """Data of the caller's own making, which no folder holds; the card names no source."""
    splits = [list(split) for split in (train, validation, train_pairs, validation_pairs)]
    identity = hashlib.sha256(repr(splits).encode()).hexdigest()
    training = _split_card(train, train_pairs)
    judging = _split_card(validation, validation_pairs)
    card = DataCard(identity, identity, (), (), {}, (), training, judging, {}, {})
    return Prepared(
        list(train),
        list(validation),
        [],
        [],
        identity,
        card,
        list(train_pairs),
        list(validation_pairs),
    )


def _split_card(examples: Sequence[Example], pairs: Sequence[PreferencePair]) -> SplitCard:
    documents = {each.document for each in examples} | {each.document for each in pairs}
    return SplitCard(len(documents), len(examples), 0, len(pairs))


def card_of(folder: Path) -> DataCard | None:
    """The folder's card, None where it has none.

    :raises ExallmError: E-EXALLM-DATA-15 where the card cannot be read.
    """
    try:
        return read_card(folder)
    except (OSError, ValueError) as error:
        raise _not_whole(folder, f"its {CARD_FILE} cannot be read") from error


def _not_whole(folder: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DATA-15",
        f"{folder} does not hold prepared data: {problem}",
        "prepare the data again, into a new folder",
    )
