"""Held-out sets: what training must never have seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exallm_trainer.data.clean import clean_text
from exallm_trainer.data.document import Document, Paragraph, Question, wording, words_of
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.duplicates import resemblance, shingles
from exallm_udfs.errors import ExallmError

# Two texts with the same question are about the same thing from this resemblance on.
_SAME_MATTER = 0.2


@dataclass(frozen=True)
class HeldOut:
    """A set, in the forms in which training data is compared with it.

    :param titles: wordings of its documents' titles.
    :param paragraphs: wordings of its paragraphs.
    :param runs: every ``run_words`` words in a row; a shorter paragraph is one run.
    :param asked: wording of a question to the shingles of its paragraphs.
    """

    name: str
    titles: frozenset[str]
    paragraphs: frozenset[str]
    run_words: int
    runs: frozenset[str]
    asked: dict[str, list[np.ndarray[Any, Any]]]

    def shares_text(self, text: str) -> bool:
        """Whether the text has a run of words in common with the set."""
        return any(run in self.runs for run in _runs(text, self.run_words))

    def asks(self, question: Question, paragraph: Paragraph) -> bool:
        """Whether the set asks the same about a paragraph that resembles this one."""
        others = self.asked.get(wording(question.text), [])
        return any(resemblance(shingles(paragraph.text), o) >= _SAME_MATTER for o in others)


def held_out_of(name: str, documents: Iterable[Document], run_words: int) -> HeldOut:
    """The set of the documents, cleaned as training data is.

    :raises ExallmError: E-EXALLM-DATA-7 where they hold no text: nothing would be held out.
    """
    titles: set[str] = set()
    paragraphs: set[str] = set()
    runs: set[str] = set()
    asked: dict[str, list[np.ndarray[Any, Any]]] = defaultdict(list)
    for document in documents:
        if document.title is not None:
            titles.add(wording(document.title))
        for paragraph in document.paragraphs:
            text = clean_text(paragraph.text)
            # A heading of a few words is nothing that training could give away.
            if not text or (not paragraph.questions and len(words_of(text)) < run_words):
                continue
            paragraphs.add(wording(text))
            runs.update(_runs(text, run_words))
            own = shingles(text)
            for question in paragraph.questions:
                asked[wording(clean_text(question.text))].append(own)
    if not paragraphs:
        raise ExallmError(
            "E-EXALLM-DATA-7", f"the held-out set {name} holds no text", "check what it names"
        )
    return HeldOut(
        name, frozenset(titles), frozenset(paragraphs), run_words, frozenset(runs), dict(asked)
    )


def refuse_overlap(documents: Sequence[Document], held_out: Sequence[HeldOut]) -> None:
    """Refuse training data in which a paragraph of a held-out set stands as a whole.

    Then a source holds the set itself, or a part of it, and a person has to say which of the two
    is wrong.

    :raises ExallmError: E-EXALLM-DATA-12 with the sets, how much of each, and the first one.
    """
    found = [problem for known in held_out for problem in _overlap(documents, known)]
    if found:
        raise ExallmError(
            "E-EXALLM-DATA-12",
            "; ".join(found),
            "take these documents out of the sources, or choose another held-out set",
        )


def decontaminated(
    documents: Sequence[Document], held_out: Sequence[HeldOut], drops: Drops
) -> list[Document]:
    """Drop what shares text or questions with a held-out set, by the name of the set.

    A document goes whole where one of the set has its title. A paragraph goes, with its questions,
    where it has ``run_words`` words in a row in common with the set (the rule of Brown et al.,
    2020, with 13 words). A question goes where the set asks the same, word for word, about a
    paragraph that resembles its own.
    """
    return [
        replace(document, paragraphs=tuple(_apart(document, held_out, drops)))
        for document in documents
    ]


def _apart(document: Document, held_out: Sequence[HeldOut], drops: Drops) -> Iterator[Paragraph]:
    title = None if document.title is None else wording(document.title)
    titled = [known.name for known in held_out if title in known.titles]
    for paragraph in document.paragraphs:
        sharing = [known.name for known in held_out if known.shares_text(paragraph.text)]
        if titled or sharing:
            reason = (
                f"has a title of held-out {titled[0]}"
                if titled
                else f"shares text with held-out {sharing[0]}"
            )
            drops.add_paragraph(document, reason, paragraph)
            continue
        questions = []
        for question in paragraph.questions:
            asking = [known.name for known in held_out if known.asks(question, paragraph)]
            if asking:
                reason = f"is asked in held-out {asking[0]}"
                drops.add(document.source, "question", reason, question.id)
            else:
                questions.append(question)
        yield replace(paragraph, questions=tuple(questions))


def _overlap(documents: Sequence[Document], held_out: HeldOut) -> Iterator[str]:
    both = [
        document
        for document in documents
        for paragraph in document.paragraphs
        if wording(paragraph.text) in held_out.paragraphs
    ]
    if both:
        yield (
            f"{len(both)} paragraphs of the held-out set {held_out.name} stand in the sources,"
            f" first in {both[0].name} of {both[0].source}"
        )


def _runs(text: str, length: int) -> Iterator[str]:
    words = words_of(text)
    for at in range(max(len(words) - length + 1, 1)):
        yield " ".join(words[at : at + length])
