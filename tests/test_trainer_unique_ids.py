"""Ids of questions: which stay, and what tells the others apart."""

from __future__ import annotations

from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.unique_ids import with_unique_ids


def document(source: str, *ids: str) -> Document:
    questions = tuple(Question(id, f"Question {number}?", ()) for number, id in enumerate(ids))
    return Document(source, source, (Paragraph("A text.", questions),))


def test_only_ids_that_stand_twice_change() -> None:
    given = [document("a", "1", "2", "b/1"), document("b", "1", "1", "1", "3")]
    ids = [
        question.id for each in with_unique_ids(given) for question in each.paragraphs[0].questions
    ]
    assert ids == ["a/1", "2", "b/1", "b/1/2", "b/1/3", "b/1/4", "3"]
