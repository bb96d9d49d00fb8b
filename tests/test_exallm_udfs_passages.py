"""Parts of texts that are too long, counted by a tokenizer of words and marks."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.batch.passages import (
    OVERLAP_TOKENS,
    first_passage,
    last_passage,
    split_passages,
)
from exallm_udfs.grounding import Span


def count(text: str) -> int:
    return len(re.findall(r"\w{1,4}|[^\w\s]", text))


TEXTS = st.lists(st.text("ab \n.é😀", max_size=60) | st.just("word " * 40)).map("".join)


@given(TEXTS, st.integers(1, 200))
def test_passages_hold_the_whole_text_and_are_short_enough(text: str, limit: int) -> None:
    passages = split_passages(text, limit, count)
    assert bool(passages) == bool(text)
    assert all(count(passage.of(text)) <= limit for passage in passages)
    if passages:
        assert (passages[0].start, passages[-1].end) == (0, len(text))
    for before, after in pairwise(passages):
        assert before.start < after.start <= before.end < after.end


@pytest.mark.parametrize("limit", [40, 400, 4000])
def test_neighbours_overlap(limit: int) -> None:
    text = " ".join(f"w{i}" for i in range(10_000))
    passages = split_passages(text, limit, count)
    shared = [count(text[after.start : before.end]) for before, after in pairwise(passages)]
    stated = min(OVERLAP_TOKENS, limit // 4)
    assert all(stated - 40 <= tokens <= stated for tokens in shared)
    assert limit < 100 or min(shared) > 0


def test_cuts_are_at_blanks() -> None:
    text = "abcd " * 200
    for passage in split_passages(text, 50, count):
        assert passage.of(text).split() == ["abcd"] * len(passage.of(text).split())


@given(TEXTS, st.integers(1, 200))
def test_a_part_is_as_long_as_fits(text: str, limit: int) -> None:
    first, last = first_passage(text, limit, count), last_passage(text, limit, count)
    if not text:
        assert first is last is None
        return
    assert first is not None and last is not None
    assert first.start == 0 and last.end == len(text)
    assert count(first.of(text)) <= limit and count(last.of(text)) <= limit
    if count(text) <= limit // 2:
        assert first == last == Span(0, len(text))


def test_no_room_for_a_single_character() -> None:
    assert split_passages("ab", 0, count) == []
    assert first_passage("ab", 0, count) is None
    assert last_passage("ab", 0, count) is None
