"""The torch engine on a small random GPT-2, made here: nothing is downloaded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from exallm.models.hub_source import folder_source
from exallm.models.source import PackageSource
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.engines.torch import TorchEngine, TorchSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.row_error import RowError

GREEDY = GenerationSettings(max_new_tokens=12, temperature=0.0, seed=0, stop=())
PROMPTS = [
    "The night trains had a sign",
    "Mia lives in Porto with two dogs, and her sister, who moved there, keeps a small boat.",
    "One",
    "Where does the river begin?",
    "A bridge of stone and iron",
]
TEXT = " ".join(PROMPTS) * 3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as save_pretrained writes it: two layers, 300 tokens, random weights."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    tokenizers: Any = import_module("tokenizers")
    folder = tmp_path_factory.mktemp("gpt2") / "checkpoint"
    folder.mkdir()
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator([TEXT], vocab_size=300, special_tokens=["<|endoftext|>"])
    trained.save(str(folder / "tokenizer.json"))
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        eos_token="<|endoftext|>",
        bos_token="<|endoftext|>",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=300,
        n_positions=128,
        n_embd=64,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.3,
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def engine(checkpoint: Path) -> Iterator[TorchEngine]:
    engine = TorchEngine(checkpoint, TorchSettings(context_length=128))
    yield engine
    engine.close()


def generated(
    engine: TorchEngine | OpenVinoEngine, prompts: list[str], settings: GenerationSettings
) -> list[Generation]:
    results = engine.generate(prompts, settings)
    assert all(isinstance(result, Generation) for result in results)
    return [result for result in results if isinstance(result, Generation)]


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(ExallmError, match="torch is missing") as caught:
        TorchEngine(tmp_path, TorchSettings(128))
    assert caught.value.code == "E-EXALLM-MODEL-28"


@pytest.mark.hub
def test_texts_and_scores_are_those_of_the_model_asked_token_by_token(
    checkpoint: Path, engine: TorchEngine
) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    for prompt, result in zip(PROMPTS, generated(engine, PROMPTS, GREEDY), strict=True):
        ids, log_probabilities = engine.encode(prompt), []
        start = len(ids)
        for _ in range(GREEDY.max_new_tokens):
            with torch.inference_mode():
                last = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1)
            token = int(last.argmax())
            if token == 0:
                break
            ids.append(token)
            log_probabilities.append(float(last[token]))
        assert result.text == engine._decode(ids[start:])
        assert result.completion_tokens == len(ids) - start
        assert result.prompt_tokens == start
        mean = math.exp(sum(log_probabilities) / len(log_probabilities))
        assert result.score == pytest.approx(mean, rel=1e-4)


@pytest.mark.hub
def test_a_batch_answers_as_single_rows_do_in_any_order(engine: TorchEngine) -> None:
    together = generated(engine, PROMPTS * 3, GREEDY)
    alone = [generated(engine, [prompt], GREEDY)[0] for prompt in PROMPTS]
    assert [one.text for one in together] == [one.text for one in alone] * 3
    reproducible = replace(GREEDY, reproducible=True)
    forth = generated(engine, PROMPTS, reproducible)
    assert generated(engine, PROMPTS[::-1], reproducible)[::-1] == forth
    assert forth == [generated(engine, [prompt], reproducible)[0] for prompt in PROMPTS]


@pytest.mark.hub
def test_generation_ends_at_stop_strings_and_at_the_limit(engine: TorchEngine) -> None:
    whole = generated(engine, PROMPTS[:1], GREEDY)[0]
    assert (whole.completion_tokens, whole.finish_reason) == (12, "length")
    stop = whole.text[5:8]
    cut = generated(engine, PROMPTS, replace(GREEDY, stop=(stop, "§§")))[0]
    assert (cut.text, cut.finish_reason) == (whole.text[: whole.text.index(stop)], "stop")
    assert 1 <= cut.completion_tokens <= 8
    empty = generated(engine, PROMPTS[:1], replace(GREEDY, stop=(whole.text[0],)))[0]
    assert (empty.text, empty.completion_tokens, empty.score) == ("", 0, 0.0)


@pytest.mark.hub
def test_a_sampled_text_depends_on_its_seed_and_not_on_the_batch(engine: TorchEngine) -> None:
    sampled = replace(GREEDY, temperature=1.0, seed=3)
    together = [one.text for one in generated(engine, PROMPTS, sampled)]
    assert [generated(engine, [prompt], sampled)[0].text for prompt in PROMPTS] == together
    others = [
        generated(engine, PROMPTS[:1], replace(sampled, seed=seed))[0].text for seed in range(6)
    ]
    assert len(set(others)) > 3


@pytest.mark.hub
def test_long_and_empty_prompts_are_row_errors_among_good_rows(engine: TorchEngine) -> None:
    results = engine.generate([PROMPTS[0], "bridge " * 200, "", PROMPTS[0]], GREEDY)
    assert [result.code for result in results if isinstance(result, RowError)] == [
        "E-EXALLM-ROW-1",
        "E-EXALLM-ROW-2",
    ]
    alone = generated(engine, PROMPTS[:1], GREEDY)[0]
    assert [one.text for one in (results[0], results[3]) if isinstance(one, Generation)] == [
        alone.text,
        alone.text,
    ]
    fits = "a" * (128 - GREEDY.max_new_tokens)
    while len(engine.encode(fits)) + GREEDY.max_new_tokens < 128:
        fits += "a"
    assert isinstance(engine.generate([fits], GREEDY)[0], Generation)
    assert isinstance(engine.generate([fits + " dogs dogs"], GREEDY)[0], RowError)


@pytest.mark.hub
def test_a_folder_without_weights_is_one_clear_error(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExallmError) as caught:
        TorchEngine(tmp_path, TorchSettings(128))
    assert caught.value.code == "E-EXALLM-MODEL-13"
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (tmp_path / name).write_bytes((checkpoint / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle is never opened")
    with pytest.raises(ExallmError) as caught:
        TorchEngine(tmp_path, TorchSettings(128)).generate(PROMPTS[:1], GREEDY)
    assert caught.value.code == "E-EXALLM-MODEL-13"
    assert "\n" not in str(caught.value)


@pytest.mark.hub
def test_the_openvino_export_has_eight_bits_and_nearly_the_same_probabilities(
    checkpoint: Path, engine: TorchEngine, tmp_path: Path
) -> None:
    source: PackageSource = folder_source(checkpoint, tmp_path, lambda step: None)
    weights = (source.folder / "openvino_model.bin").stat().st_size
    assert weights < 0.5 * (checkpoint / "model.safetensors").stat().st_size
    other = OpenVinoEngine(source.folder, OpenVinoSettings(context_length=128))
    assert [other.encode(prompt) for prompt in PROMPTS] == [
        engine.encode(prompt) for prompt in PROMPTS
    ]
    one = replace(GREEDY, max_new_tokens=1)
    for ours, theirs in zip(
        generated(engine, PROMPTS, one), generated(other, PROMPTS, one), strict=True
    ):
        if ours.text == theirs.text:
            assert theirs.score == pytest.approx(ours.score, rel=0.2)
    other.close()
