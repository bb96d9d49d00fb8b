"""The questions that a model is evaluated on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.prepared import read_prepared
from exallm_trainer.data.questions_source import QuestionsSource
from exallm_trainer.data.rows import Columns
from exallm_trainer.data.squad_source import SquadSource
from exallm_trainer.data.table_source import TableSource
from exallm_trainer.evaluate.adversarial import read_adversarial
from exallm_trainer.evaluate.own_sets import ADVERSARIAL, NARRATIVES, own_set_file
from exallm_trainer.example import Example
from exallm_udfs.errors import ExallmError

FORMS = (
    "squad:FILE, questions:FILE, table:FILE, a folder of exallm data prepare, train:FOLDER for its"
    " training questions, narratives or adversarial"
)


@dataclass(frozen=True)
class EvaluationSet:
    """Questions with their right answers.

    :param categories: id of an adversarial question to its category.
    :param traps: id of an adversarial question to what it tempts to say.
    :param groups: field of the data to id to group, for the questions that name one.
    :param counterparts: id of a question to what it shares with those that ask the same of another
        group; None where there are none.
    """

    name: str
    examples: tuple[Example, ...]
    categories: Mapping[str, str] = field(default_factory=dict)
    traps: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    counterparts: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.examples:
            raise _unusable(self.name, "it has no questions")
        if len({example.id for example in self.examples}) < len(self.examples):
            raise _unusable(self.name, "two of its questions have the same id")

    @property
    def sha256(self) -> str:
        """Of all that the examples say, in their order, whatever file they were read from."""
        digest = hashlib.sha256()
        for example in self.examples:
            digest.update(json.dumps(asdict(example), sort_keys=True).encode() + b"\n")
        return digest.hexdigest()

    def spread(self, rows: int) -> EvaluationSet:
        """So many of the questions, spread evenly over the set; all where it has no more."""
        count = len(self.examples)
        if rows >= count:
            return self
        return replace(
            self, examples=tuple(self.examples[at * count // rows] for at in range(rows))
        )


def read_evaluation_set(form: str) -> EvaluationSet:
    """The set that ``form`` names: one of :data:`FORMS`.

    Of a prepared folder it is the validation split, or with ``train:`` the training one: a held-out
    set is named by its own file.

    :raises ExallmError: E-EXALLM-TRAIN-20 where there is no such set, E-EXALLM-TRAIN-21 where the
        project's own sets were changed, E-EXALLM-DATA-1 to -9 where a file cannot be read.
    """
    kind, _, location = form.partition(":")
    if form == NARRATIVES:
        file = own_set_file(NARRATIVES)
        return EvaluationSet(form, examples_of(QuestionsSource(form, file).documents(Drops())))
    if form == ADVERSARIAL:
        return _adversarial()
    if kind == "squad" and location:
        return _squad(Path(location))
    if kind == "questions" and location:
        path = Path(location)
        return EvaluationSet(
            path.name, examples_of(QuestionsSource(path.stem, path).documents(Drops()))
        )
    if kind == "table" and location:
        path = Path(location)
        return EvaluationSet(
            path.name, examples_of(TableSource(path.stem, path, Columns()).documents(Drops()))
        )
    if kind == "train" and location:
        return EvaluationSet(
            f"train:{Path(location).name}", tuple(read_prepared(Path(location)).train)
        )
    if form and Path(form).is_dir():
        return EvaluationSet(Path(form).name, tuple(read_prepared(Path(form)).validation))
    raise _unusable(form, "there is no such set")


def examples_of(documents: Iterable[Document]) -> tuple[Example, ...]:
    """Every question of the documents, with its paragraph as context, uncleaned and unfiltered."""
    return tuple(
        Example(
            id=question.id,
            context=paragraph.text,
            question=question.text,
            answers=question.answers,
            source=document.source,
            document=document.name,
        )
        for document in documents
        for paragraph in document.paragraphs
        for question in paragraph.questions
    )


def _squad(file: Path) -> EvaluationSet:
    return EvaluationSet(file.name, examples_of(SquadSource(file.stem, file).documents(Drops())))


def _adversarial() -> EvaluationSet:
    cases = read_adversarial(own_set_file(ADVERSARIAL))
    return EvaluationSet(
        ADVERSARIAL,
        tuple(case.example for case in cases),
        categories={case.example.id: case.category for case in cases},
        traps={case.example.id: case.trap for case in cases if case.trap is not None},
    )


def _unusable(name: str, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-20", f"{name} cannot be evaluated on: {problem}", f"name {FORMS}"
    )
