"""The project's own form for texts with questions, made to be written by hand.

::

    # Title of an article

    A paragraph, which is one line.
    ? A question about it
    = its answer, word for word as it stands in the paragraph
    = another that counts as right
    ? A question that the paragraph does not answer
    = -
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import read_text, sha256_of_file, sha256_of_names
from exallm_udfs.errors import ExallmError

_UNANSWERABLE = "-"


@dataclass(frozen=True)
class QuestionsSource:
    """A file, or a folder whose ``*.txt`` files are read in the order of their names."""

    name: str
    path: Path
    licence: str | None = None

    @property
    def location(self) -> str:
        return self.path.name

    def files(self) -> list[Path]:
        """What is read."""
        return sorted(self.path.glob("*.txt")) if self.path.is_dir() else [self.path]

    def sha256(self) -> str:
        """Of the names and contents of the files."""
        return sha256_of_names((file.name, sha256_of_file(file)) for file in self.files())

    def documents(self, drops: Drops) -> Iterator[Document]:
        """Each article, as ``<file's stem>/<title>``.

        :raises ExallmError: E-EXALLM-DATA-6, -8 or -9: not readable, a line that is out of place,
            too large.
        """
        for file in self.files():
            for article in _articles(file):
                name = f"{file.stem}/{article.title}"
                paragraphs = tuple(
                    Paragraph(paragraph.text, paragraph.questions(f"{name}/{number}"))
                    for number, paragraph in enumerate(article.paragraphs, start=1)
                )
                yield Document(self.name, name, paragraphs, article.title)


@dataclass
class _Question:
    text: str
    answers: list[str] = field(default_factory=list)
    unanswerable: bool = False


@dataclass
class _Paragraph:
    text: str
    asked: list[_Question] = field(default_factory=list)

    def questions(self, name: str) -> tuple[Question, ...]:
        return tuple(
            Question(f"{name}/{number}", question.text, tuple(question.answers))
            for number, question in enumerate(self.asked, start=1)
        )


@dataclass
class _Article:
    title: str
    paragraphs: list[_Paragraph] = field(default_factory=list)


def _articles(file: Path) -> list[_Article]:
    articles: list[_Article] = []
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        text = line.strip()
        try:
            if text.startswith("# "):
                _require_answer(articles)
                articles.append(_Article(text[2:].strip()))
            elif text:
                _add(articles, text)
        except ValueError as error:
            raise _out_of_place(file, number, str(error)) from error
    try:
        _require_answer(articles)
    except ValueError as error:
        raise _out_of_place(file, number, str(error)) from error
    return articles


def _add(articles: list[_Article], text: str) -> None:
    if not articles:
        raise ValueError("a title, '# ...', comes first")
    paragraphs = articles[-1].paragraphs
    if text.startswith("? "):
        _require_answer(articles)
        if not paragraphs:
            raise ValueError("a question comes after its paragraph")
        paragraphs[-1].asked.append(_Question(text[2:].strip()))
    elif text.startswith("= "):
        if not paragraphs or not paragraphs[-1].asked:
            raise ValueError("an answer comes after its question")
        _answer(paragraphs[-1].asked[-1], text[2:].strip())
    else:
        _require_answer(articles)
        paragraphs.append(_Paragraph(text))


def _answer(question: _Question, answer: str) -> None:
    if question.unanswerable or (answer == _UNANSWERABLE and question.answers):
        raise ValueError("a question has answers or '= -', not both")
    if answer == _UNANSWERABLE:
        question.unanswerable = True
    else:
        question.answers.append(answer)


def _require_answer(articles: list[_Article]) -> None:
    """``ValueError`` where the last question so far has neither an answer nor ``= -``."""
    asked = [
        question
        for paragraph in (articles[-1].paragraphs[-1:] if articles else [])
        for question in paragraph.asked[-1:]
    ]
    if asked and not asked[0].answers and not asked[0].unanswerable:
        raise ValueError(f"the question {asked[0].text!r} has no answer")


def _out_of_place(file: Path, number: int, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DATA-8", f"{file}, line {number} is out of place: {problem}", "correct the line"
    )
