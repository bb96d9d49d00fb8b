from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.errors import ExallmError
from exallm_udfs.options import Options

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "max_new_tokens": st.integers(1, 32_768),
        "temperature": st.floats(0, 5) | st.integers(0, 5),
        "seed": st.integers(0, 2**31 - 1),
        "stop": st.lists(st.text("ab\n", min_size=1), max_size=16),
        "threads": st.integers(1, 1024),
        "model": st.sampled_from(["qa@champion", "qa@v3"]),
        "engine": st.sampled_from(["openvino", "torch"]),
        "on_overflow": st.sampled_from(["window", "truncate", "error"]),
        "fail_on_error": st.just(False),
        "max_error_ratio": st.floats(0, 1),
        "reproducible": st.booleans(),
        "collapse_duplicates": st.booleans(),
        "share_prefixes": st.booleans(),
        "batch_rows": st.integers(1, 4096),
        "min_score": st.floats(0, 1),
    },
)


def test_nothing_asked_for() -> None:
    assert Options.parse(None) == Options.parse("{}") == Options()


@given(VALUES)
def test_every_option_within_its_limits_is_taken(values: dict[str, object]) -> None:
    options = vars(Options.parse(json.dumps(values)))
    taken = {key: options[key] for key in values}
    if "stop" in taken:
        taken["stop"] = list(taken["stop"])
    if "model" in taken:
        taken["model"] = str(taken["model"])
    assert taken == values
    others = {key: value for key, value in options.items() if key not in values}
    assert others == {key: vars(Options())[key] for key in others}


def test_equal_texts_give_the_same_options() -> None:
    assert Options.parse('{"seed": 4}') is Options.parse('{"seed": 4}')


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
        ('{"model": "QA"}', "E-EXALLM-MODEL-1"),
        ('{"model": 3}', "E-EXALLM-SQL-3"),
        ('{"engine": "onnx"}', "E-EXALLM-SQL-3"),
        ('{"on_overflow": "wrap"}', "E-EXALLM-SQL-3"),
        ('{"on_overflow": ["window"]}', "E-EXALLM-SQL-3"),
        ('{"fail_on_error": "true"}', "E-EXALLM-SQL-3"),
        ('{"fail_on_error": 1}', "E-EXALLM-SQL-3"),
        ('{"max_error_ratio": 1.01}', "E-EXALLM-SQL-3"),
        ('{"max_error_ratio": -0.01}', "E-EXALLM-SQL-3"),
        ('{"fail_on_error": true, "max_error_ratio": 0.5}', "E-EXALLM-SQL-3"),
        ('{"reproducible": 0}', "E-EXALLM-SQL-3"),
        ('{"batch_rows": 0}', "E-EXALLM-SQL-3"),
        ('{"batch_rows": 4097}', "E-EXALLM-SQL-3"),
        ('{"min_score": 2}', "E-EXALLM-SQL-3"),
        ('{"min_score": -1e-9}', "E-EXALLM-SQL-3"),
    ],
)
def test_what_is_wrong_is_refused(text: str, code: str) -> None:
    with pytest.raises(ExallmError) as caught:
        Options.parse(text)
    assert caught.value.code == code


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ExallmError) as caught:
        Options.parse('{"top": 1}')
    assert "'top'" in str(caught.value)
    assert "min_score, model, on_overflow, reproducible, seed, share_prefixes" in str(caught.value)
