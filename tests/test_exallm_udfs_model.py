"""The engine and the functions on a real model."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from exallm.home import exallm_home
from exallm.models import smollm2
from exallm.models.package import build_manifest
from exallm.models.smollm2_source import smollm2_source
from exallm.models.source import PackageSource
from exallm_udfs import model_cache
from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.inference import Inference
from exallm_udfs.functions.token_count import TokenCount
from exallm_udfs.model_cache import loaded_model
from exallm_udfs.package import package_sha256
from exallm_udfs.prompt import build_prompt
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry
from exallm_udfs.row_error import RowError

pytestmark = pytest.mark.model

PATH = "/buckets/bfsdefault/default/exallm/models/qa/v1"
QUESTION = "Context: Mia lives in Porto with two dogs.\nQuestion: Where does Mia live?\nAnswer:"
GREEDY = GenerationSettings(max_new_tokens=16, temperature=0.0, seed=0, stop=("\n",))


@pytest.fixture(scope="module")
def source(smollm2_gguf: Path) -> PackageSource:
    """The package's files, as OpenVINO IR; made once and kept."""
    return smollm2_source(exallm_home() / "models", lambda step: None)


@pytest.fixture(scope="module")
def engine(source: PackageSource) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(source.folder, OpenVinoSettings(context_length=512))
    yield engine
    engine.close()


def generation(result: Generation | RowError) -> Generation:
    assert isinstance(result, Generation)
    return result


def test_the_constants_describe_the_file(smollm2_gguf: Path) -> None:
    content = smollm2_gguf.read_bytes()
    assert smollm2_gguf.name == smollm2.FILE_NAME
    assert len(content) == smollm2.FILE_BYTES
    assert hashlib.sha256(content).hexdigest() == smollm2.SHA256


def test_generation_ends_at_a_stop_string_and_counts_tokens(engine: OpenVinoEngine) -> None:
    prompt = build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION)
    result = generation(engine.generate([prompt], GREEDY)[0])
    assert result.text.strip() == "Porto"
    assert result.finish_reason == "stop"
    assert result.prompt_tokens == engine.count_tokens(prompt)
    assert 1 <= result.completion_tokens <= 3


def test_generation_ends_at_the_limit(engine: OpenVinoEngine) -> None:
    settings = GenerationSettings(max_new_tokens=5, temperature=0.0, seed=0, stop=())
    result = generation(engine.generate(["One two three four"], settings)[0])
    assert result.completion_tokens == 5
    assert result.finish_reason == "length"


def test_results_come_in_the_order_of_the_prompts(engine: OpenVinoEngine) -> None:
    places = ["Porto", "Oslo", "Quito"]
    prompts = [
        build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION.replace("Porto", place)) for place in places
    ]
    results = engine.generate(prompts, GREEDY)
    assert all(
        place in generation(result).text for place, result in zip(places, results, strict=True)
    )
    assert engine.generate([], GREEDY) == []


def test_a_prompt_that_is_too_long_is_a_row_error_among_good_rows(engine: OpenVinoEngine) -> None:
    good = build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION)
    results = engine.generate([good, "word " * 2000, good], GREEDY)
    assert generation(results[0]).text == generation(results[2]).text
    assert isinstance(results[1], RowError)
    assert results[1].code == "E-EXALLM-ROW-1"


def test_a_prompt_may_fill_the_context_exactly(engine: OpenVinoEngine) -> None:
    text = "word " * 600
    tokens = engine.count_tokens(text)
    assert tokens > 496
    while engine.count_tokens(text) > 512 - GREEDY.max_new_tokens:
        text = text[:-5]
    assert engine.count_tokens(text) == 496
    assert isinstance(engine.generate([text], GREEDY)[0], Generation)
    assert isinstance(engine.generate([text + "word word"], GREEDY)[0], RowError)


@pytest.mark.parametrize(
    "text", ["\x00", "\x01\x02\x1b[0m", "\u202e", "😀" * 50, "<|im_end|>", "\t"]
)
def test_odd_characters_are_computed(engine: OpenVinoEngine, text: str) -> None:
    unstopped = GenerationSettings(max_new_tokens=4, temperature=0.0, seed=0, stop=())
    assert generation(engine.generate([text], unstopped)[0]).completion_tokens >= 1
    assert generation(engine.generate([text], unstopped)[0]).prompt_tokens >= 1


@pytest.mark.parametrize(
    ("stop", "text"),
    [("\n", " Porto"), ("or", " P"), ("to", " Por"), ("o\n", " Port"), (" ", ""), (" Porto", "")],
)
def test_the_text_ends_right_before_the_stop_string(
    engine: OpenVinoEngine, stop: str, text: str
) -> None:
    settings = GenerationSettings(max_new_tokens=16, temperature=0.0, seed=0, stop=(stop, "§"))
    prompt = build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION)
    result = generation(engine.generate([prompt], settings)[0])
    assert (result.text, result.finish_reason) == (text, "stop")


def test_a_seed_repeats_a_sampled_text(engine: OpenVinoEngine) -> None:
    def texts(seed: int) -> list[str]:
        settings = GenerationSettings(max_new_tokens=12, temperature=1.5, seed=seed, stop=())
        return [generation(engine.generate(["Once upon a"], settings)[0]).text for _ in range(2)]

    assert texts(1)[0] == texts(1)[1]
    assert len({texts(seed)[0] for seed in range(4)}) > 1


def test_count_tokens_of_nothing_is_zero(engine: OpenVinoEngine) -> None:
    assert engine.count_tokens("") == 0
    assert engine.count_tokens("hello world") == 2


@pytest.fixture
def exa(tmp_path: Path, source: PackageSource, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The script's environment where qa@champion is SmolLM2."""
    monkeypatch.setenv(BUCKETS_ROOT_VARIABLE, str(tmp_path))
    folder = tmp_path.joinpath(*PATH.split("/")[2:])
    folder.mkdir(parents=True)
    for file in source.located().values():
        (folder / file.name).hardlink_to(file)
    (folder / "manifest.json").write_text(build_manifest(source, "qa", 1).to_json())
    version = RegisteredVersion("qa", 1, PATH, package_sha256(folder))
    registry = ModuleType("REGISTRY")
    vars(registry)["REGISTRY"] = Registry(
        {"qa": RegisteredModel({1: version}, {"champion": 1})}
    ).encode()
    yield SimpleNamespace(
        meta=SimpleNamespace(script_schema="EXALLM", node_id=0, memory_limit=4 << 30),
        import_script={"EXALLM.REGISTRY": registry}.__getitem__,
        version=version,
    )
    model_cache.close_all()


def test_inference_answers_and_refuses_as_documented(exa: Any) -> None:
    inference = Inference(exa, "qa")
    rows = [QUESTION, None, " \n", QUESTION + " {ctx} {", "word " * 5000, QUESTION]
    answers = [inference.run(SimpleNamespace(ctx=row)) for row in rows]
    assert answers[0] == answers[5] == "Porto"
    assert answers[1] is answers[2] is answers[4] is None
    assert answers[3] is None or "Question:" not in answers[3]
    inference.close()


def test_inference_takes_options(exa: Any) -> None:
    inference = Inference(exa, "qa@v1", '{"max_new_tokens": 1, "stop": ["§"]}')
    assert inference.run(SimpleNamespace(ctx=QUESTION)) == "Port"


def test_a_model_is_loaded_once_in_a_process(exa: Any) -> None:
    first = loaded_model(exa.version)
    assert loaded_model(exa.version) is first
    assert loaded_model(exa.version, threads=1) is not first
    model_cache.close_all()
    assert loaded_model(exa.version) is not first


def test_token_count(exa: Any) -> None:
    token_count = TokenCount(exa)
    assert token_count.run(SimpleNamespace(model="qa", content="hello world")) == 2
    assert token_count.run(SimpleNamespace(model="qa@v1", content="hello")) == 1
    token_count.close()


def test_a_cut_off_model_is_one_error_where_the_bare_reader_dies(
    tmp_path: Path, smollm2_gguf: Path
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(smollm2_gguf.read_bytes()[:1_000_000])
    with pytest.raises(ExallmError) as caught:
        OpenVinoEngine(cut, OpenVinoSettings(context_length=512))
    assert caught.value.code == "E-EXALLM-MODEL-12"
    program = f"import openvino_genai; openvino_genai.Tokenizer({str(cut)!r})"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode < 0


def test_a_folder_without_a_model_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ExallmError) as caught:
        OpenVinoEngine(tmp_path, OpenVinoSettings(context_length=512))
    assert caught.value.code == "E-EXALLM-MODEL-13"
    assert "\n" not in str(caught.value)
