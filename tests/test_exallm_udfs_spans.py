"""AI_ANSWER on a model that points at answers, on both runtimes, from a package on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest

from exallm.local.sql_error import SqlError
from exallm.slc.span_sample import write_span_sample
from exallm_udfs import model_cache
from exallm_udfs.best_span import best_span
from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE
from exallm_udfs.engines.choice import open_engine
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import EngineFiles, Manifest
from exallm_udfs.names import package_path
from exallm_udfs.package import package_sha256
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanTokenizer, SpanWindow
from tests.udf_harness import Answered, Runtime, options
from tests.udf_runtimes import Rows

ERRORS = ExallmError, SqlError
PIECES = (
    "mia",
    "lives",
    "in",
    "por",
    "##to",
    ".",
    "who",
    "?",
    "rhine",
    "the",
    "word",
    "[",
    "]",
    "sep",
)
# After four marks.
MIA = 4
PATH = f"/buckets/bfsdefault/default/{package_path('qa', 1)}"
CONTEXT = "Mia lives in Porto."


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Windows of 24 tokens, of which neighbours share 6 at most."""
    root = tmp_path_factory.mktemp("buckets")
    folder = root.joinpath(*PATH.split("/")[2:])
    folder.mkdir(parents=True)
    write_span_sample(folder, "qa", PIECES)
    return folder


@pytest.fixture
def registry(package: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv(BUCKETS_ROOT_VARIABLE, str(package.parents[5]))
    version = RegisteredVersion("qa", 1, PATH, package_sha256(package))
    yield Registry({"qa": RegisteredModel({1: version}, {"champion": 1})})
    model_cache.close_all()


@pytest.fixture
def reader(package: Path) -> Iterator[SpanReader]:
    manifest = Manifest.from_json((package / "manifest.json").read_text())
    engine = open_engine(manifest, package, "openvino", None)
    assert isinstance(engine, SpanReader)
    yield engine
    engine.close()


def answer(runtime: Runtime, rows: Rows, registry: Registry) -> dict[str | None, Answered]:
    emitted = [Answered(*row) for row in runtime.run("AI_ANSWER_BATCH", rows, registry)]
    assert len(emitted) == len(rows)
    return {row.row_id: row for row in emitted}


def test_every_column_of_an_answer(runtime: Runtime, registry: Registry) -> None:
    row = answer(runtime, [("7", "porto?", CONTEXT)], registry)["7"]
    assert row[:4] == ("7", "Porto", 14, 18)
    assert row.score is not None and 0.9 < row.score <= 1
    assert row[5:8] == (True, "stop", "qa@v1")
    # [CLS] por ##to ? [SEP] mia lives in por ##to . [SEP]
    assert (row.prompt_tokens, row.completion_tokens) == (12, 0)
    assert row.latency_ms is not None and row[11:] == (None, None)


def test_no_answer(runtime: Runtime, registry: Registry) -> None:
    row = answer(runtime, [("7", "rhine", CONTEXT)], registry)["7"]
    assert row[1:7] == (None, None, None, None, None, "no_answer")
    assert row.error_code is None and row.prompt_tokens == 10


def test_the_scalar_function_answers(runtime: Runtime, registry: Registry) -> None:
    rows = [("porto", CONTEXT), ("rhine", CONTEXT), ("porto", None), (None, CONTEXT), ("a", " ")]
    given = [runtime.run("AI_ANSWER", [row], registry) for row in rows]
    assert given == [[("Porto",)], *[[(None,)]] * 4]


def test_null_and_blank_rows_stand_beside_others(runtime: Runtime, registry: Registry) -> None:
    rows = [("1", None, CONTEXT), ("2", "porto", ""), (None, "porto", CONTEXT), ("4", "mia", "\t")]
    found = answer(runtime, rows, registry)
    assert [found[row_id].finish_reason for row_id in ("1", "2", "4")] == ["no_input"] * 3
    assert found[None].answer == "Porto"


@pytest.mark.parametrize(
    ("context", "start", "end"),
    [
        ("Mia 😀😀 lives in PORTO.", 17, 21),
        ("\U00010400\U00010401\U00010402 lives in Porto", 14, 18),
        ("e\u0301te\u0301 in\u00a0Po\u0301rto!", 10, 15),
        ("你好 in Porto", 7, 11),
        ("\x00\x00 Porto", 4, 8),
    ],
)
def test_positions_count_characters_whatever_stands_before(
    runtime: Runtime, registry: Registry, context: str, start: int, end: int
) -> None:
    row = answer(runtime, [("1", "porto", context)], registry)["1"]
    assert (row.start_pos, row.end_pos) == (start, end)
    assert row.answer == context[start - 1 : end]


def test_an_answer_stands_anywhere_in_a_long_context(runtime: Runtime, registry: Registry) -> None:
    for before in (0, 1, 17, 18, 19, 20, 40, 500):
        context = "word " * before + "Porto" + " word" * 300
        row = answer(runtime, [("1", "porto", context)], registry)["1"]
        assert (row.answer, row.start_pos) == ("Porto", 5 * before + 1)
    rows = [("1", "rhine", "word " * 400)]
    assert answer(runtime, rows, registry)["1"].finish_reason == "no_answer"


def test_long_contexts_may_be_cut_or_refused(runtime: Runtime, registry: Registry) -> None:
    context = "word " * 30 + "Porto"
    rows = [
        (name, "porto", context, options(on_overflow=name))
        for name in ("window", "truncate", "error")
    ]
    found = answer(runtime, rows, registry)
    assert found["window"].answer == "Porto"
    assert (found["truncate"].answer, found["truncate"].prompt_tokens) == (None, 24)
    assert (found["error"].finish_reason, found["error"].error_code) == ("error", "E-EXALLM-ROW-1")


def test_a_row_that_cannot_be_read_is_an_error_among_good_rows(
    runtime: Runtime, registry: Registry
) -> None:
    rows = [("1", "porto", CONTEXT), ("2", "who " * 30, CONTEXT), ("3", "\x00", CONTEXT)]
    found = answer(runtime, rows, registry)
    assert found["1"].answer == "Porto"
    assert [found[row_id].error_code for row_id in "23"] == ["E-EXALLM-ROW-1", "E-EXALLM-ROW-2"]
    with pytest.raises(ERRORS, match="ROW-5"):
        runtime.run(
            "AI_ANSWER_BATCH", [("2", "who " * 30, CONTEXT, options(fail_on_error=True))], registry
        )


def test_a_special_token_of_a_text_is_plain_text(runtime: Runtime, registry: Registry) -> None:
    context = "[SEP] Porto [SEP]"
    row = answer(runtime, [("1", "[SEP] porto", context)], registry)["1"]
    assert row.error_code is None and row.answer is not None
    # [CLS] [ sep ] por ##to [SEP] [ sep ] por ##to [ sep ] [SEP]
    assert row.prompt_tokens == 16


def test_options_of_generation_leave_the_answer_as_it_is(
    runtime: Runtime, registry: Registry
) -> None:
    asked = options(temperature=1.5, seed=3, stop=["o"], share_prefixes=False)
    row = answer(runtime, [("1", "porto", CONTEXT, asked)], registry)["1"]
    assert row.answer == "Porto"
    short = answer(runtime, [("1", "porto", CONTEXT, options(max_new_tokens=1))], registry)["1"]
    assert short.finish_reason == "no_answer"  # Porto is two tokens


@pytest.mark.parametrize(("least", "given"), [(0.5, "Porto"), (1.0, None)])
def test_min_score(runtime: Runtime, registry: Registry, least: float, given: str | None) -> None:
    row = answer(runtime, [("1", "porto", CONTEXT, options(min_score=least))], registry)["1"]
    assert row.answer == given and row.score is not None


def test_equal_rows_are_read_once(
    runtime: Runtime, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = SpanReader.read

    def counted(self: SpanReader, windows: Any, reproducible: bool) -> Any:
        read.append(len(windows))
        return original(self, windows, reproducible)

    monkeypatch.setattr(SpanReader, "read", counted)
    rows = [(str(n), "porto", CONTEXT) for n in range(5)] + [("5", "mia", CONTEXT)]
    found = answer(runtime, rows, registry)
    assert read == [2]
    assert [found[str(n)].answer for n in range(6)] == ["Porto"] * 5 + ["Mia"]
    assert sorted(found[str(n)].latency_ms == 0 for n in range(5)) == [False, *[True] * 4]
    read.clear()
    apart = [(*row, options(collapse_duplicates=False, batch_rows=4)) for row in rows]
    answer(runtime, apart, registry)
    assert read == [4, 2]


def test_a_row_that_the_engine_fails_on_stands_alone(
    runtime: Runtime, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = SpanReader.read

    def failing(self: SpanReader, windows: Any, reproducible: bool) -> Any:
        if any(window.token_ids[1] == MIA for window in windows):
            raise RuntimeError("Exception from src/cpu.cpp:7:\nshape mismatch")
        return original(self, windows, reproducible)

    monkeypatch.setattr(SpanReader, "read", failing)
    rows = [(str(n), "mia" if n == 3 else f"porto {n}", CONTEXT) for n in range(7)]
    found = answer(runtime, rows, registry)
    assert [found[str(n)].answer for n in range(7) if n != 3] == ["Porto"] * 6
    assert found["3"].error_code == "E-EXALLM-ROW-4"
    assert "shape mismatch" in (found["3"].error_message or "")


@pytest.mark.parametrize(
    ("script", "row"),
    [
        ("AI_COMPLETE", ("qa", "Say it")),
        ("GPT2_INFERENCE", ("Say it",)),
        ("AI_COMPLETE_BATCH", ("1", "qa", "Say it")),
    ],
)
def test_functions_that_want_text_refuse_the_model(
    runtime: Runtime, registry: Registry, script: str, row: tuple[Any, ...]
) -> None:
    with pytest.raises(ERRORS, match="E-EXALLM-MODEL-50: qa@v1 points at answers"):
        runtime.run(script, [row], registry)
    with pytest.raises(ERRORS, match="E-EXALLM-MODEL-14:"):
        runtime.run("AI_ANSWER", [("porto", CONTEXT, options(engine="torch"))], registry)


def test_tokens_are_counted_and_an_evaluation_knows_how_it_asks(
    runtime: Runtime, registry: Registry, package: Path
) -> None:
    assert runtime.run("TOKEN_COUNT", [("qa", "Mia lives in Porto " * 50)], registry) == [(250,)]
    manifest = (package / "manifest.json").read_text()
    asked = runtime.run("EVALUATION_OPTIONS", [("answer", "qa@v1", manifest, None)])[0]
    assert asked[3] is None
    assert json.loads(asked[2]) == {
        "max_answer_tokens": 8,
        "overlap_tokens": 6,
        "reproducible": False,
    }
    refused = runtime.run("EVALUATION_OPTIONS", [("complete", "qa@v1", manifest, None)])[0]
    assert refused[:3] == (None, None, None) and "writes no text" in refused[3]


# --- the engine ---


def test_a_window_scores_the_same_alone_and_among_others(reader: SpanReader) -> None:
    contexts = [CONTEXT, "Porto", "word " * 100 + "Porto", "Mia"]
    windows = []
    for context in contexts:
        some = reader.windows("porto", context)
        assert not isinstance(some, RowError)
        windows += some
    together = reader.read(windows, reproducible=False)
    for window, scores in zip(windows, together, strict=True):
        alone = reader.read([window], reproducible=True)[0]
        assert scores.starts.shape == (len(window),)
        assert scores.starts.tolist() == alone.starts.tolist()
        assert scores.ends.tolist() == alone.ends.tolist()
    assert reader.read([], reproducible=False) == []


def test_windows_hold_the_whole_context_and_share_what_they_should(reader: SpanReader) -> None:
    context = " ".join(f"word{number}" for number in range(200))
    windows = reader.windows("who ?", context)
    assert not isinstance(windows, RowError) and len(windows) > 1
    assert all(len(window) <= 24 for window in windows)
    words = [{int(start) for start in window.starts if start >= 0} for window in windows]
    every = set.union(*words)
    assert every == {0, *(n + 1 for n, letter in enumerate(context) if letter == " ")}
    assert all(before & after for before, after in pairwise(words))


def test_a_question_must_leave_room_for_the_context(reader: SpanReader) -> None:
    longest = "porto " * 7  # of two pieces each: 14 tokens and 3 marks leave 7 of 24
    windows = reader.windows(longest, "word " * 500)
    assert not isinstance(windows, RowError) and len(windows) < 200
    refused = reader.windows(longest + "porto", CONTEXT)
    assert isinstance(refused, RowError) and refused.code == "E-EXALLM-ROW-1"


def test_a_blank_that_a_tokenizer_counts_to_a_token_is_not_in_the_answer() -> None:
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=400, show_progress=False)
    made.train_from_iterator([CONTEXT] * 3, trainer)
    windows = SpanTokenizer(made, 64, 8).windows("in", CONTEXT)
    assert not isinstance(windows, RowError)
    words = {CONTEXT[start:].split()[0] for start in windows[0].starts if start >= 0}
    assert words == {"Mia", "lives", "in", "Porto.", "."}


def test_the_best_span_is_that_of_all_spans() -> None:
    random = numpy.random.default_rng(0)
    places = numpy.arange(40, dtype=numpy.int32)
    for _ in range(200):
        starts = numpy.where(random.random(40) < 0.6, places * 5, -1)
        ends = numpy.where(random.random(40) < 0.6, places * 5 + 4, -1)
        starts[0] = ends[0] = -1
        window = SpanWindow(places, places, starts, ends)
        begin, end = random.normal(0, 3, (2, 40))
        most = int(random.integers(1, 12))
        spans = {
            (int(starts[i]), int(ends[j])): begin[i] + end[j]
            for i in range(40)
            for j in range(i, min(i + most, 40))
            if starts[i] >= 0 and ends[j] >= 0
        }
        wanted = max(spans, key=lambda span: spans[span], default=None)
        if wanted is not None and spans[wanted] < begin[0] + end[0]:
            wanted = None
        best = best_span(window, begin, end, most)
        assert (best and (best.span.start, best.span.end)) == wanted


@pytest.mark.parametrize("name", ["openvino_model.xml", "tokenizer.json"])
def test_a_broken_file_is_told_in_one_line(package: Path, tmp_path: Path, name: str) -> None:
    manifest = Manifest.from_json((package / "manifest.json").read_text())
    for file in manifest.files:
        (tmp_path / file.path).write_bytes((package / file.path).read_bytes())
    (tmp_path / name).write_text("{")
    with pytest.raises(ExallmError, match=f"E-EXALLM-MODEL-13: the engine cannot load {name}"):
        engine = open_engine(manifest, tmp_path, "openvino", None)
        assert isinstance(engine, SpanReader)
        windows = engine.windows("porto", CONTEXT)
        assert not isinstance(windows, RowError)
        engine.read(windows, reproducible=False)


# --- the manifest ---


def test_a_manifest_is_read_as_it_was_written_and_refuses_contradictions(package: Path) -> None:
    manifest = Manifest.from_json((package / "manifest.json").read_text())
    assert Manifest.from_json(manifest.to_json()) == manifest
    with pytest.raises(ValueError, match="either 'prompt' and 'generation', or 'extraction'"):
        replace(manifest, extraction=None)
    with pytest.raises(ValueError, match="less than half"):
        replace(manifest, context_length=12)
    with pytest.raises(ValueError, match="openvino"):
        replace(manifest, engines={"torch": EngineFiles(".")})
