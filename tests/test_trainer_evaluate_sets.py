"""The sets that a model is evaluated on: the project's own, files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exallm_trainer.evaluate import own_sets
from exallm_trainer.evaluate.adversarial import Misled, misled, read_adversarial
from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.evaluation_set import EvaluationSet, read_evaluation_set
from exallm_trainer.evaluate.own_sets import ADVERSARIAL, NARRATIVES, checked, own_set_file
from exallm_trainer.evaluate.score import score
from exallm_trainer.example import Example
from exallm_udfs.errors import ExallmError
from exallm_udfs.grounding import ground
from exallm_udfs.metrics import exact_match

SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "Mills",
            "paragraphs": [
                {
                    "context": "The mill was built in 1682.",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "When was it built?",
                            "answers": [
                                {"text": "1682", "answer_start": 22},
                                {"text": "in 1682", "answer_start": 19},
                            ],
                        }
                    ],
                }
            ],
        }
    ],
}


def test_the_own_sets_are_pinned() -> None:
    assert own_sets.SHA256 == {
        NARRATIVES: "e8af3f746953a39338e68f3928a4337548d1f53b518908f2ebf78f4284b1fae7",
        ADVERSARIAL: "4e7e20f60a695e5b05702ccd6db9038c99b96aaf9e24cdbe70af00fb65fa7378",
    }
    assert own_set_file(NARRATIVES).is_file()
    assert own_set_file(ADVERSARIAL).is_file()


def test_a_changed_set_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "narratives.txt"
    changed.write_text(own_set_file(NARRATIVES).read_text(encoding="utf-8") + "\n", "utf-8")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-21.*was changed"):
        checked(NARRATIVES, changed)


def test_narratives_have_four_questions_each_with_answers_from_the_text() -> None:
    examples = read_evaluation_set(NARRATIVES).examples
    documents = {example.document for example in examples}
    assert len(documents) == 12
    assert len(examples) == 48
    assert sum(not example.answers for example in examples) == 4
    for example in examples:
        for answer in example.answers:
            assert answer in example.context, example.question


def test_adversarial_questions_have_categories_and_traps_that_are_wrong() -> None:
    found = read_evaluation_set(ADVERSARIAL)
    names = list(found.categories.values())
    assert set(names) == {
        "distractor sentence",
        "instruction in the passage",
        "unanswerable",
    }
    assert [names.count(name) for name in set(names)] == [15, 15, 15]
    for example in found.examples:
        unanswerable = found.categories[example.id] == "unanswerable"
        assert unanswerable is (not example.answers), example.question
        assert any(ground(answer, example.context) for answer in example.answers) or unanswerable
        if example.id in found.traps:
            assert not exact_match(found.traps[example.id], example.answers)
        else:
            assert unanswerable


def test_who_was_misled_is_counted_by_category() -> None:
    found = read_evaluation_set(ADVERSARIAL)
    trapped = [GivenAnswer(found.traps.get(example.id)) for example in found.examples]
    right = [
        GivenAnswer(example.answers[0] if example.answers else None) for example in found.examples
    ]
    for answers, fell in ((trapped, (15, 15, 10)), (right, (0, 0, 0))):
        scored = score(found.examples, answers, found.categories).answers
        counted = misled(scored, found.categories, found.traps)
        names = ("distractor sentence", "instruction in the passage", "unanswerable")
        assert counted == tuple(map(Misled, names, (15, 15, 10), fell))


@pytest.mark.parametrize(
    "text",
    [
        "[[case]]\ncategory = 'x'\ncontext = 'c'\nquestion = 'q'",
        "[[case]]\ncategory = 'x'\ncontext = 'c'\nquestion = 'q'\nanswers = []\nhint = 'h'",
        "case = 1",
        "no toml",
        "",
    ],
)
def test_a_file_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-20"):
        read_adversarial(file)


def test_squad_files_are_read_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    file.write_text(json.dumps(SQUAD), encoding="utf-8")
    found = read_evaluation_set(f"squad:{file}")
    assert found.name == "dev.json"
    assert found.examples == (
        Example(
            "q1",
            "The mill was built in 1682.",
            "When was it built?",
            ("1682", "in 1682"),
            "dev",
            "Mills",
        ),
    )


def test_question_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("# Mills\n\nBuilt in 1682.\n? When?\n= 1682\n? By whom?\n= -\n", "utf-8")
    found = read_evaluation_set(f"questions:{file}")
    assert [example.answers for example in found.examples] == [("1682",), ()]


@pytest.mark.parametrize("form", ["nothing", "squad:", "sql:x", ""])
def test_what_is_no_set_is_refused(form: str) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-20.*there is no such set"):
        read_evaluation_set(form)


def test_a_set_needs_questions_with_ids_of_their_own() -> None:
    example = Example("1", "c", "q", (), "s", "d")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-20.*no questions"):
        EvaluationSet("empty", ())
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-20.*the same id"):
        EvaluationSet("twice", (example, example))


def test_fewer_questions_are_spread_over_the_set() -> None:
    examples = tuple(Example(str(number), "c", "q", (), "s", "d") for number in range(10))
    whole = EvaluationSet("ten", examples)
    assert [example.id for example in whole.spread(3).examples] == ["0", "3", "6"]
    assert whole.spread(10) is whole
    assert whole.spread(99) is whole
    assert whole.spread(3).sha256 != whole.sha256


def test_the_hash_of_a_set_is_of_all_that_its_questions_say() -> None:
    one = EvaluationSet("a", (Example("1", "c", "q", ("x",), "s", "d"),))
    same = EvaluationSet("b", (Example("1", "c", "q", ("x",), "s", "d"),))
    other = EvaluationSet("a", (Example("1", "c", "q", ("y",), "s", "d"),))
    assert one.sha256 == same.sha256
    assert one.sha256 != other.sha256
    assert len(one.sha256) == 64
