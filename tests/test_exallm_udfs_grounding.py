"""Answers are found where they stand in the context, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.grounding import NEAREST_F1, Span, ground
from exallm_udfs.metrics import f1_score

CONTEXT = (
    "Ines Ferro drew the first map of the island in 1731. She sold it to Admiral Jan Dreyer, "
    "who was not guilty of the fire of 1732. The U.S. copy -- price: $4.50 -- lies in Porto."
)


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("Ines Ferro", "Ines Ferro"),
        (" Jan Dreyer ", "Jan Dreyer"),
        ("$4.50", "$4.50"),
        ("--", "--"),
        ("ines  FERRO", "Ines Ferro"),
        ('"Admiral Jan-Dreyer."', "Admiral Jan Dreyer"),
        ("US", "U.S"),
        ("450", "4.50"),
        ("Porto!", "Porto"),
        ("the first map of island", "first map of the island"),
        ("Ferro drew a first map of the island", "Ferro drew the first map of the island"),
        ("Admiral Dreyer", "Admiral Jan Dreyer"),
    ],
)
def test_an_answer_becomes_the_text_of_the_context(answer: str, quote: str) -> None:
    span = ground(answer, CONTEXT)
    assert span is not None
    assert span.of(CONTEXT) == quote


@pytest.mark.parametrize(
    "answer",
    [
        "Lisbon",
        "fir",
        "173",
        "in 1733",
        "guilty of the fire of 1731",
        "She did not sell it to Admiral Jan Dreyer",
        "Porto is where the copy of a map lies today",
        "",
        "  ",
        "?",
        "😀",
    ],
)
def test_what_the_context_does_not_say_is_not_found(answer: str) -> None:
    assert ground(answer, CONTEXT) is None
    assert ground(answer, "") is None


def test_an_answer_inside_a_word_is_no_quote() -> None:
    assert ground("Port", "Porto, port.") == Span(7, 11)
    assert ground("10", "2010 and 10") == Span(9, 11)
    assert ground("東京", "私は東京に住む") == Span(2, 4)


def test_of_several_occurrences_that_beside_the_questions_words_is_taken() -> None:
    context = "Red wood came from Oslo." + " Other things came too." * 10 + " Blue clay: Oslo."
    assert ground("Oslo", context, "Where did the red wood come from?") == Span(19, 23)
    blue = ground("Oslo", context, "Whence did the blue clay come?")
    assert blue == Span(len(context) - 5, len(context) - 1)
    assert ground("Oslo", context, "") == Span(19, 23)


WORDS = st.lists(st.sampled_from(["a", "B", "cc", "7", "not", "é", "-", "c.c"]), max_size=12)


@given(WORDS, WORDS)
def test_whatever_is_found_is_near_to_the_answer(answer: list[str], context: list[str]) -> None:
    text, document = " ".join(answer), "  ".join(context)
    span = ground(text, document)
    if span is None:
        assert not text or text not in document.split("  ")
    else:
        quote = span.of(document)
        assert quote == quote.strip()
        kept = [letter for letter in text.lower() if letter.isalnum()]
        same = kept == [letter for letter in quote.lower() if letter.isalnum()]
        assert same or f1_words(text, quote) >= NEAREST_F1


def f1_words(first: str, second: str) -> float:
    """F1 with articles kept, unlike SQuAD's."""
    return f1_score(
        first.replace("a", "x").replace(".", " "), [second.replace("a", "x").replace(".", " ")]
    )


@given(st.text(), st.text(), st.text())
def test_any_text_is_found_where_it_stands(before: str, answer: str, after: str) -> None:
    context = f"{before} {answer} {after}"
    span = ground(answer, context, before)
    if answer.strip():
        assert span is not None
        assert span.of(context).lower().split() == answer.lower().split()


def test_long_texts_take_no_long_time() -> None:
    context = "the of and in to a is " * 2000
    assert ground("the in of is and nothing of this to be found", context) is None
    assert ground("x" * 5000, context) is None


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2)])
def test_a_span_has_characters(start: int, end: int) -> None:
    with pytest.raises(ValueError):
        Span(start, end)
