"""Texts without questions, in pieces of a size that a model reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from exallm_trainer.data.document import Document, Paragraph
from exallm_trainer.json_lines import read_json_lines, write_json_lines

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class TextChunk:
    """A piece of a document.

    :param position: its place in the document, from 0; a place is left empty by what was dropped.
    """

    source: str
    document: str
    position: int
    text: str


def write_chunks(file: Path, chunks: Iterable[TextChunk]) -> None:
    """One JSON object a line."""
    write_json_lines(file, chunks)


def read_chunks(file: Path) -> list[TextChunk]:
    """The chunks of a file that :func:`write_chunks` wrote.

    :raises ExallmError: E-EXALLM-DATA-4 where a line is not one.
    """
    return list(read_json_lines(file, lambda fields: TextChunk(**fields), "a chunk"))


def chunked(document: Document, words: int) -> Document:
    """Join and divide the paragraphs that have no questions, in order, to chunks.

    A chunk ends with a paragraph where it can, else with a sentence, and within a sentence only
    where that alone is too long. Paragraphs with questions are left as they are, since an answer
    needs its context whole, and no chunk reaches across one.

    :param words: that a chunk has at most, as blanks divide them.
    """
    paragraphs: list[Paragraph] = []
    pending: list[str] = []
    position = 0
    for paragraph in (*document.paragraphs, None):
        if paragraph is not None and not paragraph.questions:
            pending.append(paragraph.text)
            continue
        for text in _chunks(pending, words):
            paragraphs.append(Paragraph(text, position=position))
            position += 1
        pending = []
        if paragraph is not None:
            paragraphs.append(paragraph)
    return replace(document, paragraphs=tuple(paragraphs))


def _chunks(texts: list[str], words: int) -> Iterator[str]:
    current, size = "", 0
    for text in texts:
        for number, piece in enumerate(_pieces(text, words)):
            length = len(piece.split())
            if current and size + length > words:
                yield current
                current, size = "", 0
            separator = "\n\n" if number == 0 else " "
            current = f"{current}{separator}{piece}" if current else piece
            size += length
    if current:
        yield current


def _pieces(text: str, words: int) -> Iterator[str]:
    """The text where it fits, else its sentences, else runs of words."""
    if len(text.split()) <= words:
        yield text
        return
    for sentence in _SENTENCE_END.split(text):
        parts = sentence.split()
        if len(parts) <= words:
            yield sentence
        else:
            yield from (" ".join(parts[at : at + words]) for at in range(0, len(parts), words))
