"""Exact match and F1 against cases computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.metrics import exact_match, f1_score, normalise_answer


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Corvin-Bridge!", "corvinbridge"),
        ("a cat, an owl and the dog", "cat owl and dog"),
        ("theatre", "theatre"),
        ("U.S.", "us"),
        ("12,000", "12000"),
        ("«Ça»", "«ça»"),
        ("the", ""),
    ],
)
def test_texts_are_normalised_as_squad_does(text: str, normalised: str) -> None:
    assert normalise_answer(text) == normalised


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("Denver Broncos", ["Denver Broncos"], 1, 1),
        ("the denver broncos.", ["Denver Broncos"], 1, 1),
        # 2 common words of 3 and 2: precision 2/3, recall 1.
        ("mighty Denver Broncos", ["Denver Broncos"], 0, 0.8),
        # 1 of 1 and 2.
        ("Broncos", ["Denver Broncos"], 0, 2 / 3),
        # A word counts as often as it stands on both sides.
        ("no no no", ["no"], 0, 0.5),
        ("Carolina", ["Denver Broncos"], 0, 0),
        # The best of several answers.
        ("1066", ["in 1066", "1066", "the year 1066"], 1, 1),
        ("year 1066", ["1066", "in the year 1066"], 0, 0.8),
        (None, [], 1, 1),
        ("", [], 1, 1),
        ("the", [], 1, 1),
        ("Denver", [], 0, 0),
        (None, ["Denver"], 0, 0),
    ],
)
def test_hand_computed_cases(
    prediction: str | None, answers: list[str], exact: float, f1: float
) -> None:
    assert exact_match(prediction, answers) == exact
    assert f1_score(prediction, answers) == pytest.approx(f1)


@given(st.text("ab the."), st.lists(st.text("ab the."), max_size=3))
def test_an_exact_match_has_an_f1_of_one(prediction: str, answers: list[str]) -> None:
    exact, f1 = exact_match(prediction, answers), f1_score(prediction, answers)
    assert exact in (0.0, 1.0)
    assert exact <= f1 <= 1.0
