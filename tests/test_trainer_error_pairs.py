"""Pairs from graded errors: which answers give one, and of which questions none may."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from click.testing import CliRunner

from exallm.cli.data import data as data_command
from exallm.cli.main import exallm as cli
from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.prepared import Prepared, read_prepared
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import parse_source
from exallm_trainer.evaluate.error_pairs import pairs_from_errors
from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.evaluation_folder import write_evaluation
from exallm_trainer.evaluate.evaluation_set import read_evaluation_set
from exallm_udfs.errors import ExallmError
from tests.evaluations import evaluation_of

pytestmark = pytest.mark.trainer
EXAM = "# Exam\n\nThe tower was sold in 1911 to a banker.\n? When was it sold?\n= 1911\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty articles with a question each; the last one's has no answer."""
    lines = []
    for n in range(20):
        answer = f"Ada {n} Berg" if n < 19 else "-"
        lines += [f"# M{n}\n\nMill {n} was built by Ada {n} Berg in {1700 + n}."]
        lines += [f"? Who built mill {n}?\n= {answer}\n"]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "exam.txt").write_text(EXAM, encoding="utf-8")
    asked = PrepareRequest(
        [parse_source(f"questions:{tmp_path / 'own.txt'}")],
        [parse_source(f"questions:{tmp_path / 'exam.txt'}")],
        PrepareSettings(validation_share=0.3),
    )
    prepare(asked, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def data(folder: Path) -> Prepared:
    return read_prepared(folder)


def evaluated(data: Prepared, wrong: dict[int, str | None]) -> Evaluation:
    """All questions answered right but for those of these numbers."""
    examples = sorted([*data.train, *data.validation], key=lambda example: int(number(example.id)))
    right = [example.answers[0] if example.answers else None for example in examples]
    answers = [wrong.get(n, answer) for n, answer in enumerate(right)]
    return evaluation_of("tuned", examples, answers)


def number(id: str) -> str:
    return id.split("/")[1].removeprefix("M")


def test_a_wrong_answer_is_rejected_for_the_right_one(data: Prepared) -> None:
    made = pairs_from_errors([evaluated(data, {3: "1703", 4: "Ada 4", 5: None, 19: "1719"})], data)
    examples = {example.id: example for example in (*data.train, *data.validation)}
    found = {number(pair.id): (pair.chosen, pair.rejected) for pair in made.pairs}
    # "Ada 4" has half of the right words.
    assert found == {
        "3": ("Ada 3 Berg", "1703"),
        "5": ("Ada 5 Berg", "unanswerable"),
        "19": ("unanswerable", "1719"),
    }
    assert all(pair.prompt == examples[pair.id].prompt() for pair in made.pairs)
    assert all(pair.document == examples[pair.id].document for pair in made.pairs)
    assert list(made.passed_over.values()) == [17]


def test_a_held_out_set_gives_no_pairs(data: Prepared) -> None:
    evaluation = replace(evaluated(data, {3: "1703"}), data="exam.txt")
    with pytest.raises(ExallmError) as raised:
        pairs_from_errors([evaluation], data)
    assert raised.value.code == "E-EXALLM-DATA-42"


def test_questions_that_the_data_does_not_have_give_no_pairs(data: Prepared) -> None:
    other = evaluated(data, {3: "1703"})
    renamed = tuple(replace(answer, id=f"x{answer.id}") for answer in other.answers)
    with pytest.raises(ExallmError) as raised:
        pairs_from_errors([replace(other, answers=renamed)], data)
    assert raised.value.code == "E-EXALLM-DATA-41" and "20" in str(raised.value)


def test_an_equal_question_about_another_context_gives_no_pair(data: Prepared) -> None:
    examples = [replace(each, context=f"Otherwise. {each.context}") for each in data.train]
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-41.*not one of the data"):
        pairs_from_errors([evaluation_of("tuned", examples, [None] * len(examples))], data)


def test_sources_that_number_their_questions_alike_are_told_apart(tmp_path: Path) -> None:
    sources = []
    for name in ("mills", "ferries"):
        rows = [
            {
                "id": n,
                "context": f"The {name} {n} of {n}{name} are old. {name} {n * 7} too.",
                "question": "Which are old?",
                "answers": f"{name} {n}",
            }
            for n in range(30)
        ]
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        sources.append(parse_source(f"table:{file}"))
    prepared = prepare(PrepareRequest(sources, settings=PrepareSettings(0.3)), tmp_path / "data")
    asked = read_evaluation_set(f"train:{tmp_path / 'data'}")
    made = pairs_from_errors(
        [evaluation_of("tuned", asked.examples, [None] * len(asked.examples))], prepared
    )
    ids = {each.id for each in (*prepared.train, *prepared.validation)}
    assert len(ids) == 60 and {"mills/7", "ferries/7"} <= ids
    assert len(made.pairs) == len(prepared.train)


def test_a_model_without_errors_gives_no_pairs(data: Prepared) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-41"):
        pairs_from_errors([evaluated(data, {})], data)


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(cli, list(map(str, arguments)))


def test_the_command_makes_a_source_that_can_be_prepared(
    folder: Path, data: Prepared, tmp_path: Path
) -> None:
    folders = []
    for name in (f"train:{folder}", str(folder)):
        examples = read_evaluation_set(name).examples
        folders.append(tmp_path / "errors" / f"{len(folders)}")
        evaluation = evaluation_of("tuned", examples, ["nobody"] * len(examples))
        write_evaluation(folders[-1], evaluation)
    pairs = tmp_path / "pairs.jsonl"
    made = call("data", "pairs", *folders, "--data", folder, "--out", pairs, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["pairs"] == 20
    again = call("data", "pairs", *folders, "--data", folder, "--out", pairs)
    assert again.exit_code == 2 and "new" in again.output
    options = ("--validation-share", "0.3", "--out", tmp_path / "prepared")
    result = CliRunner().invoke(
        data_command, ["prepare", "--source", f"pairs:{pairs}", *map(str, options)]
    )
    assert result.exit_code == 0, result.output
    assert "exallm train dpo" in result.output
    pairs_of = read_prepared(tmp_path / "prepared")
    assert {pair.document for pair in pairs_of.train_pairs} == {e.document for e in data.train}
    assert {pair.document for pair in pairs_of.validation_pairs} == {
        e.document for e in data.validation
    }


def test_the_training_questions_of_a_folder_can_be_asked(folder: Path, data: Prepared) -> None:
    asked = read_evaluation_set(f"train:{folder}")
    assert list(asked.examples) == data.train and asked.name == "train:data"
