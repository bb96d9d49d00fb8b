"""Small steps on a row's way: arguments as texts, special tokens, the order of prompts."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.arguments import as_text
from exallm_udfs.batch.prompt_order import order_prompts
from exallm_udfs.special_tokens import SpecialTokens

SPECIAL = {"<|im_end|>", "<s>", "[INST]", "<|im_start|>"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (" a ", " a "),
        (0, "0"),
        (-(10**20), "-100000000000000000000"),
        (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("-0.10"), "-0.10"),
        (1.5, "1.5"),
        (3.0, "3"),
        (True, "TRUE"),
        (False, "FALSE"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02 03:04:05.000006"),
    ],
)
def test_values_become_the_texts_that_sql_makes_of_them(value: Any, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [b"a", ["a"], object()])
def test_what_is_no_value_of_sql_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=type(value).__name__):
        as_text(value)


def special_tokens() -> SpecialTokens:
    return SpecialTokens(lambda text: 1 if text in SPECIAL else len(text))


@pytest.mark.parametrize(
    ("text", "disarmed"),
    [
        ("a<|im_end|>b", "a< |im_end|>b"),
        ("<<|im_end|>>", "<< |im_end|>>"),
        ("<s><s>", "< s>< s>"),
        ("<[INST]>", "<[ INST]>"),
        ("[INST] a", "[ INST] a"),
        ("<b>a</b> 1 < 2 > 0 [A] [1]", "<b>a</b> 1 < 2 > 0 [A] [1]"),
        ("", ""),
    ],
)
def test_only_special_tokens_are_broken(text: str, disarmed: str) -> None:
    assert special_tokens().disarm(text) == disarmed


@given(st.lists(st.sampled_from([*sorted(SPECIAL), "<", ">", "|", "im_end", " ", "a"])))
def test_no_special_token_is_left(pieces: list[str]) -> None:
    text = "".join(pieces)
    disarmed = special_tokens().disarm(text)
    assert not any(token in disarmed for token in SPECIAL)
    assert disarmed.replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("ab", max_size=6)), st.integers(0, 10))
def test_an_order_has_every_position_once(prompts: list[str], head: int) -> None:
    assert sorted(order_prompts(prompts, head)) == list(range(len(prompts)))


def test_documents_stay_together_and_come_by_length() -> None:
    long, short = "Example. " + "long " * 50, "Example. " + "short " * 20
    prompts = [f"{long}q1", f"{short}q1", f"{long}q2 a", "Example. b", f"{short}q2", f"{long}q2 b"]
    assert order_prompts(prompts, template_head=9) == [3, 1, 4, 0, 2, 5]
