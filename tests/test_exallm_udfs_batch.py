"""Many rows through the _BATCH functions of sql/udfs, on both runtimes, with an engine by rule."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exallm.local.sql_error import SqlError
from exallm_udfs.batch import request as batch_request
from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.engines.engine import Generation
from exallm_udfs.errors import ExallmError
from tests.udf_harness import (
    POISON,
    REGISTRY,
    RUNTIMES,
    SPECIAL_TOKEN,
    Rows,
    RuleEngine,
    Runtime,
    UseEngine,
    answer,
    complete,
    echo,
    engine_in_use,
    find_answer,
    options,
)

ERRORS = ExallmError, SqlError


def test_equal_prompts_are_computed_once(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(echo))
    rows = [(str(i), "qa", f"text {i % 3}") for i in range(30)]
    found = complete(runtime, rows)
    assert sum(len(call) for call in engine.calls) == 3
    assert all(found[str(i)].text == f"TEXT {i % 3}" for i in range(30))
    assert sum(row.latency_ms == 0 for row in found.values()) >= 27
    assert {row.prompt_tokens for row in found.values()} == {4}
    assert {row.completion_tokens for row in found.values()} == {2}


def test_equal_prompts_of_distant_rows_are_computed_once(
    runtime: Runtime, use: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = use(RuleEngine(echo))
    monkeypatch.setattr(batch_request, "WINDOW_ROWS", 4)
    rows = [(str(i), "qa", f"text {i % 3}", "{}") for i in range(30)]
    rows.append(("longer", "qa", "text 0", options(max_new_tokens=5)))
    rows.append(("again", "qa", "text 0", "{}"))
    found = complete(runtime, rows)
    computed = sorted(prompt[-1] for call in engine.calls for prompt in call)
    assert computed == ["0", "0", "1", "2"]  # one of them with other settings
    assert all(found[str(i)].text == f"TEXT {i % 3}" for i in range(30))
    assert found["again"].latency_ms == 0


def test_what_is_remembered_is_bounded() -> None:
    known = KnownGenerations(most_characters=1000)
    model: Any = SimpleNamespace(version="qa@v1", settings="greedy", engine=None)
    for number in range(5):
        known.add(model, f"prompt {number}", Generation("x" * 50, 1, 1, "stop", 0.5))
    assert [known.get(model, f"prompt {number}") is not None for number in range(5)] == [
        *[False] * 3,
        *[True] * 2,
    ]
    known.add(model, "long", Generation("x" * 2000, 1, 1, "stop", 0.5))
    assert known.get(model, "long") is None
    assert known.get(model, "prompt 4") is None


@pytest.mark.parametrize("extra", [{"collapse_duplicates": False}, {"temperature": 0.5}])
def test_equal_prompts_are_computed_each_where_asked_or_sampled(
    runtime: Runtime, use: UseEngine, extra: dict[str, Any]
) -> None:
    engine = use(RuleEngine(echo))
    complete(runtime, [(str(i), "qa", "text", options(**extra)) for i in range(5)])
    assert sum(len(call) for call in engine.calls) == 5


def test_questions_about_a_document_meet(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(find_answer))
    documents = ["b " * 40, "a " * 50, "c " * 60]
    rows = [(str(i), f"find {i}", documents[i % 3]) for i in range(12)]
    answer(runtime, rows)
    asked = [prompt.split()[2] for call in engine.calls for prompt in call]
    assert asked == ["b"] * 4 + ["a"] * 4 + ["c"] * 4
    engine.calls.clear()
    answer(runtime, [(*row, options(share_prefixes=False)) for row in rows])
    assert [prompt.split()[2] for call in engine.calls for prompt in call] == ["b", "a", "c"] * 4


def test_batch_rows_bound_the_engines_calls(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(echo))
    complete(runtime, [(str(i), "qa", f"{i}", options(batch_rows=7)) for i in range(20)])
    assert [len(call) for call in engine.calls] == [7, 7, 6]


def test_options_differ_from_row_to_row(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(lambda prompt: " a b c d"))
    rows = [(str(i), "qa", f"{i}", options(max_new_tokens=2 + i % 2)) for i in range(6)]
    found = complete(runtime, rows)
    assert [found[str(i)].text for i in range(6)] == ["a", "a b"] * 3
    assert len(engine.calls) == 2


def test_memory_is_bounded_by_windows(
    runtime: Runtime, use: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = use(RuleEngine(echo))
    monkeypatch.setattr(batch_request, "WINDOW_ROWS", 10)
    monkeypatch.setattr(batch_request, "WINDOW_CHARACTERS", 1000)
    complete(runtime, [(str(i), "qa", f"{i}") for i in range(25)])
    assert [len(call) for call in engine.calls] == [10, 10, 5]
    engine.calls.clear()
    engine.context_length = 1000
    complete(runtime, [(str(i), "qa", f"{i}".ljust(400, ".")) for i in range(8)])
    assert [len(call) for call in engine.calls] == [3, 3, 2]


# --- rows that fail ---


def test_the_row_that_makes_the_engine_fail_stands_alone(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(echo))
    rows = [(str(i), "qa", POISON if i in (5, 11) else f"text {i}") for i in range(16)]
    rows = [(*row, options(collapse_duplicates=False)) for row in rows]
    found = complete(runtime, rows)
    failed = {row_id for row_id, row in found.items() if row.error_code}
    assert failed == {"5", "11"}
    assert found["5"].finish_reason == "error"
    assert found["5"].error_code == "E-EXALLM-ROW-4"
    message = "the engine failed on this row: Exception from src/cpu.cpp:7: shape mismatch"
    assert found["5"].error_message == message
    assert found["6"].text == "TEXT 6"
    assert len(engine.calls) < 2 * 16


def test_a_text_that_is_too_long_is_an_error_of_its_row(runtime: Runtime, use: UseEngine) -> None:
    use(RuleEngine(echo))
    found = complete(runtime, [("1", "qa", "word " * 300), ("2", "qa", "word")])
    assert found["1"][1:4] == (None, "error", "qa@v1")
    assert found["1"].error_code == "E-EXALLM-ROW-1"
    assert found["1"].error_message is not None and "\n" not in found["1"].error_message
    assert found["2"].text == "WORD"
    assert runtime.run("AI_COMPLETE", [("qa", "word " * 300)], REGISTRY) == [(None,)]


def test_two_million_characters(runtime: Runtime, use: UseEngine) -> None:
    use(RuleEngine(find_answer, context_length=20_000))
    text = "word " * 399_999 + "Porto"
    found = answer(runtime, [("1", "find Porto", text), ("2", "find x", text + "x")])
    assert (found["1"].answer, found["1"].start_pos) == ("Porto", 1_999_996)
    assert found["2"].finish_reason == "no_answer"
    assert complete(runtime, [("1", "qa", text)])["1"].error_code == "E-EXALLM-ROW-1"


def test_fail_on_error_stops_at_the_first(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(echo))
    rows = [(str(i), "qa", f"{i}" * (1000 if i == 1 else 1)) for i in range(50)]
    rows = [(*row[:2], " ".join(row[2]), options(fail_on_error=True, batch_rows=5)) for row in rows]
    with pytest.raises(ERRORS, match=r"E-EXALLM-ROW-5: 1 of the first .* E-EXALLM-ROW-1: "):
        complete(runtime, rows)
    assert len(engine.calls) <= 1
    with pytest.raises(ERRORS, match="E-EXALLM-ROW-5"):
        runtime.run("AI_COMPLETE", [("qa", "x " * 300, options(fail_on_error=True))], REGISTRY)


@pytest.mark.parametrize(("ratio", "fails"), [(0.0, True), (0.19, True), (0.2, False), (1, False)])
def test_max_error_ratio(runtime: Runtime, use: UseEngine, ratio: float, fails: bool) -> None:
    use(RuleEngine(echo))
    texts = ["word " * 300] * 2 + [f"text {i}" for i in range(8)]
    rows = [(str(i), "qa", text, options(max_error_ratio=ratio)) for i, text in enumerate(texts)]
    if fails:
        with pytest.raises(ERRORS, match=r"E-EXALLM-ROW-5: [12] of the first \d+ rows failed"):
            complete(runtime, rows)
    else:
        assert sum(row.error_code is not None for row in complete(runtime, rows).values()) == 2


def test_the_ratio_is_of_the_rows_that_asked_for_it(runtime: Runtime, use: UseEngine) -> None:
    use(RuleEngine(echo))
    rows: Rows = [("1", "qa", "word " * 300, options(max_error_ratio=0.2))]
    rows += [(str(i), "qa", "a", None) for i in range(2, 20)]
    with pytest.raises(ERRORS, match="E-EXALLM-ROW-5: 1 of the first 1 rows"):
        complete(runtime, rows)


# --- long contexts ---


def context_of(words: int, **marked: int) -> str:
    texts = [f"w{i}" for i in range(words)]
    for mark, position in marked.items():
        texts[position] = mark
    return " ".join(texts)


@pytest.mark.parametrize("position", [0, 1, 151, 170, 180, 200, 420, 998, 999])
def test_a_long_context_is_asked_in_windows(
    runtime: Runtime, use: UseEngine, position: int
) -> None:
    engine = use(RuleEngine(find_answer))
    context = context_of(1000, Porto=position)
    found = answer(runtime, [("1", "find Porto", context)])["1"]
    assert found.answer == "Porto"
    assert found.start_pos == context.index("Porto") + 1
    prompts = [prompt for call in engine.calls for prompt in call]
    assert len(prompts) > 5
    assert max(engine.count_tokens(prompt) for prompt in prompts) <= 200 - 8
    assert found.prompt_tokens == sum(engine.count_tokens(prompt) for prompt in prompts)


def test_windows_overlap_so_that_no_answer_is_cut(runtime: Runtime, use: UseEngine) -> None:
    use(RuleEngine(find_answer, context_length=120))
    context = context_of(600)
    for first in range(0, 590, 7):
        wanted = " ".join(f"w{i}" for i in range(first, first + 6))
        found = answer(runtime, [("1", f"find {wanted}", context)])["1"]
        assert (found.answer, found.grounded) == (wanted, True)


def test_the_best_scored_answer_wins(runtime: Runtime, use: UseEngine) -> None:
    context = context_of(600, low=10, high=300, middle=590)
    marks = {"low": 0.2, "high": 0.9, "middle": 0.5}

    def rule(prompt: str) -> str:
        return next((f" {mark}" for mark in marks if f" {mark} " in prompt + " "), " elsewhere")

    def score(prompt: str) -> float:
        return next((marks[mark] for mark in marks if f" {mark} " in prompt), 0.99)

    use(RuleEngine(rule, score=score))
    found = answer(runtime, [("1", "Which?", context)])["1"]
    assert (found.answer, found.score, found.grounded) == ("high", 0.9, True)


def test_truncate_and_error(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(find_answer))
    context = context_of(1000, Oslo=5, Porto=999)
    cut = options(on_overflow="truncate")
    rows = [("1", "find Oslo", context, cut), ("2", "find Porto", context, cut)]
    found = answer(runtime, rows)
    assert found["1"].answer == "Oslo"
    assert found["2"].finish_reason == "no_answer"
    assert sum(len(call) for call in engine.calls) == 2
    refused = answer(runtime, [("1", "find Oslo", context, options(on_overflow="error"))])["1"]
    assert refused.error_code == "E-EXALLM-ROW-1"


def test_a_truncated_prompt_keeps_its_end(runtime: Runtime, use: UseEngine) -> None:
    engine = use(RuleEngine(lambda prompt: " " + prompt.split()[-1]))
    text = context_of(1000, last=999)
    row = complete(runtime, [("1", "qa", text, options(on_overflow="truncate"))])["1"]
    assert (row.text, row.error_code) == ("last", None)
    assert 150 < engine.count_tokens(engine.calls[0][0]) <= 192


def test_a_question_that_is_too_long_is_an_error(runtime: Runtime, use: UseEngine) -> None:
    use(RuleEngine(find_answer))
    for on_overflow in ("window", "truncate", "error"):
        row = ("1", "word " * 300, "Mia lives in Porto.", options(on_overflow=on_overflow))
        assert answer(runtime, [row])["1"].error_code == "E-EXALLM-ROW-1"


@pytest.mark.parametrize("text", ["x" * 5000, "😀" * 1000, "\x00\x01\x1b[0m\u202e" * 300])
def test_texts_without_blanks(runtime: Runtime, use: UseEngine, text: str) -> None:
    use(RuleEngine(find_answer))
    found = answer(
        runtime,
        [
            ("1", "find y", text),
            (
                "2",
                "find y",
                text,
            ),
        ],
    )
    assert {row.error_code for row in found.values()} == {None}


# --- whatever comes ---

TEXTS = st.sampled_from(
    [None, "", "  ", "find a", "find zz", "a b a", POISON, SPECIAL_TOKEN, "word " * 250, "\x00é😀"]
)
OPTIONS = st.sampled_from(
    [
        None,
        "{}",
        '{"batch_rows": 1}',
        '{"batch_rows": 3, "share_prefixes": false}',
        '{"collapse_duplicates": false}',
        '{"max_new_tokens": 2, "on_overflow": "truncate"}',
        '{"on_overflow": "error", "min_score": 0.6}',
        '{"model": "other@v2", "max_error_ratio": 1}',
    ]
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, OPTIONS), min_size=1, max_size=25),
    window=st.integers(1, 8),
    runtime=st.sampled_from(RUNTIMES),
)
def test_every_row_comes_out_exactly_once(
    rows: list[tuple[str | None, str | None, str | None]], window: int, runtime: Runtime
) -> None:
    engine = RuleEngine(find_answer, context_length=60)
    numbered: Rows = [(str(i), *row) for i, row in enumerate(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_request, "WINDOW_ROWS", window)
        with engine_in_use() as use:
            use(engine)
            found = answer(runtime, numbered)
    assert sorted(found, key=int) == [row[0] for row in numbered]  # type: ignore[arg-type]
    for row_id, question, context, _ in numbered:
        row = found[row_id]
        blank = not (question or "").strip() or not (context or "").strip()
        assert (row.finish_reason == "no_input") == blank
        assert (row.finish_reason == "error") == (row.error_code is not None)
        assert (row.answer is None) == (row.finish_reason in ("no_input", "no_answer", "error"))
        assert (row.grounded is True) == (row.start_pos is not None)
        if row.start_pos is not None:
            assert row.end_pos is not None
            assert context[row.start_pos - 1 : row.end_pos] == row.answer
