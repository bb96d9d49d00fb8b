"""Paragraphs that stand there twice, exactly or nearly."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH

from exallm_trainer.data.document import Document, Paragraph, Question, wording, words_of
from exallm_trainer.data.drops import Drops

_SHINGLE = 5
_PERMUTATIONS = 128
# Candidates are looked for well below the threshold, so that few true ones are missed.
_CANDIDATES = 0.8


def shingles(text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Hashes of every five words in a row, sorted and without repetition; shape (count,).

    A shorter text is one shingle.
    """
    words = words_of(text) or [text]
    count = max(len(words) - _SHINGLE + 1, 1)
    runs = (" ".join(words[at : at + _SHINGLE]).encode() for at in range(count))
    return np.unique(np.fromiter(map(zlib.crc32, runs), dtype=np.uint32, count=count))


def resemblance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Jaccard's coefficient of two results of :func:`shingles`, 0.0 to 1.0."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def without_exact(documents: Sequence[Document], drops: Drops) -> list[Document]:
    """Keep the first of paragraphs with the same words; it gets the questions of the others.

    A question that is asked twice about a paragraph is kept once, and one whose answers the kept
    paragraph spells otherwise is dropped.
    """
    first: dict[str, tuple[Paragraph, list[Question]]] = {}
    kept: list[list[str]] = []
    for document in documents:
        keys = []
        for paragraph in document.paragraphs:
            key = wording(paragraph.text)
            if key not in first:
                first[key] = (paragraph, [])
                keys.append(key)
            else:
                drops.add(document.source, "paragraph", "duplicate", document.name)
            _adopt(*first[key], paragraph.questions, document.source, drops)
        kept.append(keys)
    return [
        replace(
            document,
            paragraphs=tuple(replace(first[k][0], questions=tuple(first[k][1])) for k in keys),
        )
        for document, keys in zip(documents, kept, strict=True)
    ]


def without_near(documents: Sequence[Document], threshold: float, drops: Drops) -> list[Document]:
    """Drop each paragraph, with its questions, that resembles an earlier one.

    Candidates come from MinHash with locality-sensitive hashing (Broder, 1997), and the true
    coefficient decides.

    :param threshold: Jaccard's coefficient of the shingles from which two are nearly the same.
    """
    index = MinHashLSH(threshold=_CANDIDATES * threshold, num_perm=_PERMUTATIONS)
    found = [shingles(paragraph.text) for d in documents for paragraph in d.paragraphs]
    # The values are hashes already.
    sketches = MinHash.generator(found, num_perm=_PERMUTATIONS, hashfunc=int)
    entries = enumerate(zip(found, sketches, strict=True))
    kept = []
    for document in documents:
        paragraphs = []
        for paragraph in document.paragraphs:
            number, (own, sketch) = next(entries)
            if any(resemblance(own, found[other]) >= threshold for other in index.query(sketch)):
                drops.add_paragraph(document, "near duplicate", paragraph)
            else:
                index.insert(number, sketch)
                paragraphs.append(paragraph)
        kept.append(replace(document, paragraphs=tuple(paragraphs)))
    return kept


def _adopt(
    paragraph: Paragraph,
    known: list[Question],
    questions: Sequence[Question],
    source: str,
    drops: Drops,
) -> None:
    asked = {wording(question.text) for question in known}
    for question in questions:
        answers = tuple(answer for answer in question.answers if answer in paragraph.text)
        if wording(question.text) in asked:
            drops.add(source, "question", "duplicate", question.id)
        elif question.answers and not answers:
            drops.add(source, "question", "answer not in its context", question.id)
        else:
            asked.add(wording(question.text))
            known.append(question.with_answers(answers))
