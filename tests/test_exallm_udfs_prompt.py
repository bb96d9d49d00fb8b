from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.answer import extract_answer
from exallm_udfs.prompt import build_prompt


@given(st.text())
def test_the_text_goes_in_literally(ctx: str) -> None:
    assert build_prompt("Before {} \\1 {ctx} after", ctx) == "Before {} \\1 " + ctx + " after"


@pytest.mark.parametrize("ctx", ["{ctx}", "{0}", "{", "}}", "\\g<0>", "%s", "$ctx"])
def test_text_that_looks_like_a_template_stays_as_it_is(ctx: str) -> None:
    assert build_prompt("<{ctx}>", ctx) == f"<{ctx}>"


@pytest.mark.parametrize("template", ["", "ctx", "{ctx} {ctx}"])
def test_a_template_has_one_placeholder(template: str) -> None:
    with pytest.raises(ValueError):
        build_prompt(template, "a")


@pytest.mark.parametrize(
    ("generated", "stop", "answer"),
    [
        (" Paris\nContext: x", ["\n"], "Paris"),
        (" Paris. And more", ["\n", "."], "Paris"),
        (" Paris", [], "Paris"),
        ("Paris\nLyon", [], "Paris\nLyon"),
        ("\nParis", ["\n"], None),
        ("  \t ", ["\n"], None),
        ("", [], None),
        (" Answer: Paris", ["\n"], "Answer: Paris"),
    ],
)
def test_the_answer_ends_at_the_first_stop(
    generated: str, stop: list[str], answer: str | None
) -> None:
    assert extract_answer(generated, stop) == answer


@given(st.text(), st.lists(st.text(min_size=1, max_size=2), max_size=3))
def test_an_answer_holds_no_stop_string_and_no_outer_blanks(
    generated: str, stop: list[str]
) -> None:
    answer = extract_answer(generated, stop)
    assert answer is None or (answer == answer.strip() and answer in generated)
    assert not any(string in (answer or "") for string in stop)
