"""The example documents keep what their README promises."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "sql" / "examples" / "docs.csv"
COLUMNS = ["id", "title", "kind", "context", "question", "answer"]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DOCS.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    assert reader.fieldnames == COLUMNS
    return rows


def test_there_are_enough_rows_and_no_empty_field(rows: list[dict[str, str]]) -> None:
    assert 36 <= len(rows) <= 60
    for row in rows:
        assert list(row) == COLUMNS
        assert all(value and value == value.strip() for value in row.values()), row["id"]


def test_ids_count_from_one(rows: list[dict[str, str]]) -> None:
    assert [row["id"] for row in rows] == [str(number + 1) for number in range(len(rows))]


def test_every_answer_stands_in_its_context(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert row["answer"] in row["context"], row["id"]
        assert 1 <= len(row["answer"].split()) <= 6, row["id"]


def test_contexts_have_60_to_140_words_and_one_title_each(rows: list[dict[str, str]]) -> None:
    assert all(60 <= len(row["context"].split()) <= 140 for row in rows)
    passages = {(row["title"], row["kind"], row["context"]) for row in rows}
    assert len(passages) == len({title for title, _, _ in passages}) == 20


def test_every_passage_has_two_different_questions(rows: list[dict[str, str]]) -> None:
    assert set(Counter(row["title"] for row in rows).values()) == {2}
    assert len({row["question"] for row in rows}) == len(rows)
    assert all(row["question"].endswith("?") for row in rows)


def test_kinds_are_those_listed_and_balanced(rows: list[dict[str, str]]) -> None:
    assert Counter(row["kind"] for row in rows) == {
        "report": 8,
        "news": 8,
        "notice": 8,
        "support": 8,
        "tale": 8,
    }


def test_question_words_vary(rows: list[dict[str, str]]) -> None:
    words = Counter(row["question"].split()[0] for row in rows)
    assert len(words) >= 8
    assert max(words.values()) <= len(rows) // 2
