from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.errors import ExallmError
from exallm_udfs.options import GenerationOptions


def test_nothing_asked_for() -> None:
    assert GenerationOptions.parse(None) == GenerationOptions.parse("{}") == GenerationOptions()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "max_new_tokens": st.integers(1, 32_768),
            "temperature": st.floats(0, 5) | st.integers(0, 5),
            "seed": st.integers(0, 2**31 - 1),
            "stop": st.lists(st.text("ab\n", min_size=1), max_size=16),
            "threads": st.integers(1, 1024),
        },
    )
)
def test_every_option_within_its_limits_is_taken(values: dict[str, object]) -> None:
    options = GenerationOptions.parse(json.dumps(values))
    taken = {key: value for key, value in vars(options).items() if value is not None}
    if "stop" in taken:
        taken["stop"] = list(taken["stop"])
    assert taken == values


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-EXALLM-SQL-1"),
        ("max_new_tokens=3", "E-EXALLM-SQL-1"),
        ("[]", "E-EXALLM-SQL-1"),
        ("null", "E-EXALLM-SQL-1"),
        ('{"seed": NaN}', "E-EXALLM-SQL-1"),
        ('{"temperature": Infinity}', "E-EXALLM-SQL-1"),
        ('{"seed": 1, "seed": 2}', "E-EXALLM-SQL-1"),
        ('{"tempreature": 1}', "E-EXALLM-SQL-2"),
        ('{"MAX_NEW_TOKENS": 1}', "E-EXALLM-SQL-2"),
        ('{"max_new_tokens": 0}', "E-EXALLM-SQL-3"),
        ('{"max_new_tokens": -3}', "E-EXALLM-SQL-3"),
        ('{"max_new_tokens": true}', "E-EXALLM-SQL-3"),
        ('{"max_new_tokens": 3.0}', "E-EXALLM-SQL-3"),
        ('{"max_new_tokens": "3"}', "E-EXALLM-SQL-3"),
        ('{"max_new_tokens": null}', "E-EXALLM-SQL-3"),
        ('{"temperature": -0.1}', "E-EXALLM-SQL-3"),
        ('{"temperature": 1e999}', "E-EXALLM-SQL-3"),
        ('{"temperature": false}', "E-EXALLM-SQL-3"),
        ('{"seed": -1}', "E-EXALLM-SQL-3"),
        ('{"seed": 2147483648}', "E-EXALLM-SQL-3"),
        ('{"stop": "\\n"}', "E-EXALLM-SQL-3"),
        ('{"stop": [""]}', "E-EXALLM-SQL-3"),
        ('{"stop": [1]}', "E-EXALLM-SQL-3"),
        ('{"threads": 0}', "E-EXALLM-SQL-3"),
    ],
)
def test_what_is_wrong_is_refused(text: str, code: str) -> None:
    with pytest.raises(ExallmError) as caught:
        GenerationOptions.parse(text)
    assert caught.value.code == code


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ExallmError) as caught:
        GenerationOptions.parse('{"top": 1}')
    assert "'top'" in str(caught.value)
    assert "max_new_tokens, seed, stop, temperature, threads" in str(caught.value)
