"""Answers that their context does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Drops

_REASON = "answer not in its context"


def grounded(document: Document, drops: Drops) -> Document:
    """The document with those answers only that stand in their paragraph, letter for letter.

    A question of whose answers none does is dropped, and a paragraph that so loses all of its
    questions. A question without answers says that there is none, and stays.
    """
    paragraphs = []
    for paragraph in document.paragraphs:
        questions = tuple(_grounded(paragraph, document.source, drops))
        if paragraph.questions and not questions:
            drops.add(document.source, "paragraph", "no question left", document.name)
        else:
            paragraphs.append(replace(paragraph, questions=questions))
    return replace(document, paragraphs=tuple(paragraphs))


def _grounded(paragraph: Paragraph, source: str, drops: Drops) -> Iterator[Question]:
    for question in paragraph.questions:
        found = tuple(answer for answer in question.answers if answer in paragraph.text)
        if question.answers and not found:
            drops.add(source, "question", _REASON, question.id)
            continue
        for answer in question.answers:
            if answer not in paragraph.text:
                drops.add(source, "answer", _REASON, question.id)
        yield question.with_answers(found)
