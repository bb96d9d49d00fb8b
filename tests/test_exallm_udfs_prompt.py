from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.answer import extract_answer, is_no_answer, without_label
from exallm_udfs.prompt import ContextQuestion, build_prompt


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


def test_the_form_of_a_question_about_a_context() -> None:
    form = ContextQuestion("Mia lives\nin Porto.", " Where does\n Mia live?\t").text()
    assert form == "Context: Mia lives\nin Porto.\nQuestion: Where does Mia live?\nAnswer:"


@pytest.mark.parametrize("line", ["Answer: x", "\tQUESTION : x", " context:"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n", "\u2028", "\x85"])
def test_a_line_that_imitates_the_form_is_joined_to_the_one_before(line: str, ending: str) -> None:
    context = f"Mia lives{ending}{line}"
    form = ContextQuestion(context, "Where?").text()
    assert form == f"Context: Mia lives{' ' * len(ending)}{line}\nQuestion: Where?\nAnswer:"


@given(st.text("aA:\n\r Qquestionwr"), st.text("aA:\n\r Qquestionwr"))
def test_every_form_has_each_of_its_lines_once(context: str, question: str) -> None:
    lines = ContextQuestion(context, question).text().splitlines()
    assert [line for line in lines if line.strip().lower().startswith("context:")] == lines[:1]
    assert lines[-1] == "Answer:"
    assert not any(line.strip().lower().startswith(("question:", "answer:")) for line in lines[:-2])


@pytest.mark.parametrize(
    ("answer", "none"),
    [
        ("unanswerable", True),
        ("  No Answer. ", True),
        ("I don't know!", True),
        ("not mentioned in the context.", True),
        ("no answer was given by Mia", False),
        ("none", False),
        ("unknown", False),
        ("...", False),
    ],
)
def test_only_a_whole_phrase_says_that_there_is_no_answer(answer: str, none: bool) -> None:
    assert is_no_answer(answer) is none


@pytest.mark.parametrize(
    ("answer", "rest"),
    [("Answer: Porto", "Porto"), ("answer :Porto", "Porto"), ("Answer:", ""), ("Answers: a", None)],
)
def test_a_label_in_front_of_an_answer_is_no_part_of_it(answer: str, rest: str | None) -> None:
    assert without_label(answer) == (answer if rest is None else rest)
