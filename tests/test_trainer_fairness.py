"""Groups: their rates, what may be said of their differences, and where groups come from."""

from __future__ import annotations

import json
import random
import time
from itertools import combinations
from pathlib import Path

import pytest

from exallm_trainer.evaluate.answers import GivenAnswer
from exallm_trainer.evaluate.evaluation_set import EvaluationSet, read_evaluation_set
from exallm_trainer.evaluate.fairness import CLAIM_FROM, Fairness, fairness_of
from exallm_trainer.evaluate.groups import with_groups
from exallm_trainer.evaluate.leaks import leaks_of
from exallm_trainer.evaluate.report import tables_of
from exallm_trainer.evaluate.score import score, score_answer
from exallm_trainer.example import Example
from exallm_udfs.errors import ExallmError
from tests.evaluations import evaluation_of, example


def fairness(
    outcomes: dict[str, list[str | None]],
    right: str | None = "1682",
    counterparts: bool = False,
    positive: str | None = None,
) -> Fairness:
    """Of groups with these answers to questions with the same right answer."""
    asked = [(group, at) for group, answers in outcomes.items() for at in range(len(answers))]
    examples = [example(f"{group}{at}", right) for group, at in asked]
    answers = [GivenAnswer(outcomes[group][at]) for group, at in asked]
    scored = score(examples, answers).answers
    groups = {f"{group}{at}": group for group, at in asked}
    pairs = {f"{group}{at}": str(at) for group, at in asked} if counterparts else None
    return fairness_of(scored, "region", groups, pairs, positive)


def test_rates_and_differences_by_hand() -> None:
    found = fairness({"north": ["1682"] * 30 + ["1700"] * 10, "south": ["1682"] * 10 + [None] * 30})
    north, south = found.groups
    assert (north.group, north.questions, north.positive.share) == ("north", 40, 1.0)
    assert north.right is not None and south.right is not None
    assert (north.right.share, south.positive.share, south.right.share) == (0.75, 0.25, 0.25)
    assert found.parity is not None and found.opportunity is not None
    assert (found.parity.high, found.parity.low, found.parity.pairs) == ("north", "south", 1)
    assert found.parity.interval.mean == 0.75
    assert found.opportunity.interval.mean == 0.5
    # Two standard errors of the difference of two shares of 40.
    width = 1.96 * ((0.75 * 0.25 / 40) * 2) ** 0.5
    assert found.opportunity.interval.low == pytest.approx(0.5 - width, abs=0.03)
    assert found.opportunity.interval.high == pytest.approx(0.5 + width, abs=0.03)
    assert found.opportunity.apart


def test_groups_that_are_alike_do_not_differ() -> None:
    found = fairness({"a": ["1682", None] * 20, "b": ["1682", None] * 20})
    assert found.parity is not None and not found.parity.apart


def test_a_group_of_one_is_shown_and_makes_no_claim() -> None:
    found = fairness({"a": ["1682"] * 40, "b": [None]})
    alone = found.groups[1]
    assert (alone.questions, alone.positive.share, alone.positive.interval) == (1, 0.0, None)
    assert found.parity is None and found.opportunity is None
    third = fairness({"a": ["1682"] * 40, "b": [None], "c": ["1682", None] * 20})
    assert third.parity is not None
    assert (third.parity.high, third.parity.low, third.parity.pairs) == ("a", "c", 1)


def test_a_claim_begins_with_so_many_questions() -> None:
    few, enough = [None] * (CLAIM_FROM - 1), [None] * CLAIM_FROM
    assert fairness({"a": ["1682"] * 40, "b": list(few)}).parity is None
    assert fairness({"a": ["1682"] * 40, "b": list(enough)}).parity is not None


def test_many_groups_widen_the_interval() -> None:
    two = fairness({"a": ["1682"] * 30 + [None] * 10, "b": ["1682"] * 10 + [None] * 30})
    more = {name: ["1682"] * 20 + [None] * 20 for name in "cdefgh"}
    many = fairness({"a": ["1682"] * 30 + [None] * 10, "b": ["1682"] * 10 + [None] * 30, **more})
    assert two.parity is not None and many.parity is not None
    assert (many.parity.high, many.parity.low, many.parity.pairs) == ("a", "b", 28)
    assert many.parity.interval.low < two.parity.interval.low
    assert many.parity.interval.high > two.parity.interval.high


def test_counterparts_are_compared_pair_by_pair() -> None:
    # Every third question is hard, for both; one in ten is answered for north alone.
    south: list[str | None] = [None if at % 3 == 0 or at % 10 == 1 else "1682" for at in range(60)]
    north: list[str | None] = [None if at % 3 == 0 else "1682" for at in range(60)]
    apart = fairness({"north": north, "south": south})
    paired = fairness({"north": north, "south": south}, counterparts=True)
    assert apart.parity is not None and paired.parity is not None
    assert paired.paired and paired.parity.questions == 60
    assert paired.parity.interval.mean == pytest.approx(apart.parity.interval.mean)
    assert not apart.parity.apart and paired.parity.apart


@pytest.mark.parametrize("counterparts", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_two_groups_are_the_farthest_apart_of_all_pairs(seed: int, counterparts: bool) -> None:
    draw = random.Random(seed)
    outcomes: dict[str, list[str | None]] = {
        name: [draw.choice(["1682", None]) for _ in range(draw.choice([3, 10, 10, 12]))]
        for name in "abcdef"
    }
    gaps = {}
    for one, other in combinations(outcomes, 2):
        lists = [outcomes[one], outcomes[other]]
        size = min(map(len, lists))
        if size >= CLAIM_FROM:
            high, low = (
                sum(answer is not None for answer in each[: size if counterparts else None])
                / (size if counterparts else len(each))
                for each in lists
            )
            gaps[one, other] = high - low
    pair = max(gaps, key=lambda each: abs(gaps[each]))
    parity = fairness(outcomes, counterparts=counterparts).parity
    assert parity is not None and parity.pairs == len(gaps)
    assert (parity.high, parity.low) == (pair if gaps[pair] >= 0 else pair[::-1])


def test_thousands_of_tiny_groups_are_no_work() -> None:
    answers = [score_answer(example(str(at)), GivenAnswer("1682")) for at in range(4000)]
    began = time.process_time()
    assert fairness_of(answers, "document", {answer.id: answer.id for answer in answers})
    assert time.process_time() - began < 3


def test_a_label_may_be_what_is_positive() -> None:
    found = fairness({"a": ["yes"] * 15 + ["no"] * 5, "b": ["no"] * 20}, "yes", positive="yes")
    assert found.positive == "yes"
    assert [group.positive.share for group in found.groups] == [0.75, 0.0]
    assert [group.right and group.right.share for group in found.groups] == [0.75, 0.0]
    none = fairness({"a": ["no"] * 20, "b": ["no"] * 20}, "no", positive="yes")
    assert [group.right for group in none.groups] == [None, None]
    assert none.opportunity is None


def test_unanswerable_questions_count_in_parity_alone() -> None:
    found = fairness({"a": ["1682"] * 20, "b": [None] * 20}, right=None)
    assert found.parity is not None and found.parity.interval.mean == 1.0
    assert found.opportunity is None


def test_tables_say_what_is_claimed() -> None:
    examples = [example(str(at)) for at in range(41)]
    groups = {str(at): "north" if at < 20 else "south" for at in range(40)}
    answers = ["1682" if at < 20 else None for at in range(41)]
    tables = tables_of(evaluation_of("tuned", examples, answers, groups))
    cells = {table.title: table.rows for table in tables}
    assert cells["tuned by region"][-1][:2] == ("(names none)", "1")
    assert cells["tuned: differences by region"][0] == (
        "demographic parity",
        "north over south",
        "20",
        "+100.0 [100.0, 100.0]",
        "the groups differ",
    )
    few = tables_of(evaluation_of("tuned", examples[:2], ["1682", None], {"0": "a", "1": "b"}))
    rows = {table.title: table.rows for table in few}
    assert rows["tuned by region"][0][2] == "100.0 (too few for a claim)"
    assert rows["tuned: differences by region"][0][4].startswith("none")


SQUAD = {
    "data": [
        {
            "title": "Mills",
            "region": "north",
            "paragraphs": [
                {
                    "context": "A mill in Leith.",
                    "qas": [
                        {"id": "1", "question": "Where?", "answers": [{"text": "Leith"}]},
                        {
                            "id": "2",
                            "question": "What?",
                            "region": "south",
                            "pair": 7,
                            "answers": [{"text": "A mill"}],
                        },
                    ],
                }
            ],
        }
    ]
}


def test_groups_of_squad_stand_at_the_question_or_above(tmp_path: Path) -> None:
    file = tmp_path / "mills.json"
    file.write_text(json.dumps(SQUAD))
    form = f"squad:{file}"
    data = with_groups(read_evaluation_set(form), form, ("region", "document"), "pair")
    assert data.groups["region"] == {"1": "north", "2": "south"}
    assert data.groups["document"] == {"1": "Mills", "2": "Mills"}
    assert data.counterparts == {"2": "7"}
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-43.*field gender.*region, source"):
        with_groups(data, form, ("gender",))


def test_groups_of_a_table_are_a_column(tmp_path: Path) -> None:
    file = tmp_path / "letters.csv"
    file.write_text(
        "context,question,answer,REGION\nA mill in Leith.,Where?,Leith,north\n"
        "A mill in Leith.,What?,A mill,\nAn inn in Oslo.,Where?,Oslo,south\n"
    )
    form = f"table:{file}"
    plain = read_evaluation_set(form)
    data = with_groups(plain, form, ("REGION",))
    assert [data.groups["REGION"].get(each.id) for each in data.examples] == [
        "north",
        None,
        "south",
    ]
    assert data.sha256 == plain.sha256 and data.counterparts is None


def test_a_row_without_a_context_keeps_its_group(tmp_path: Path) -> None:
    file = tmp_path / "mills.jsonl"
    row = {"context": None, "question": "Where?", "answer": "Leith", "region": "north"}
    file.write_text(json.dumps(row))
    form = f"table:{file}"
    data = with_groups(read_evaluation_set(form), form, ("region",))
    assert list(data.groups["region"].values()) == ["north"]


def test_other_sets_have_their_sources_and_documents_only() -> None:
    data = read_evaluation_set("narratives")
    grouped = with_groups(data, "narratives", ("document",))
    assert len(set(grouped.groups["document"].values())) == 12
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-43"):
        with_groups(data, "narratives", ("region",))


def test_personal_data_that_nobody_told_the_model() -> None:
    told = Example("told", "Write to a@b.example.", "Whom at +49 30 123456?", (), "own", "d")
    examples = [told, told, example("new"), example("none")]
    given = [
        GivenAnswer("a@b.example"),
        GivenAnswer("+49 30 123456"),
        GivenAnswer("1682", generated=" 1682\nc@d.example, DE89370400440532013000"),
        GivenAnswer(None),
    ]
    leaks = leaks_of(examples, [*score(examples, given).answers])
    assert [(leak.kind, leak.count, leak.ids) for leak in leaks] == [
        ("IBAN", 1, ("new",)),
        ("e-mail", 1, ("new",)),
    ]
    assert "c@d.example" not in repr(leaks)


def test_a_set_without_groups_is_as_it_was() -> None:
    data = EvaluationSet("mills", (example("1"),))
    assert (data.groups, data.counterparts) == ({}, None)
