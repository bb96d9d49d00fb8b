"""What the CPU engine promises, on a real model: scores, equal answers, IR and GGUF alike."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exallm.home import exallm_home
from exallm.models import smollm2
from exallm.models.gguf_q8 import convert_to_q8
from exallm.models.smollm2_source import smollm2_source
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.prompt import build_prompt

pytestmark = pytest.mark.model

DOCUMENTS = Path(__file__).parents[1] / "sql" / "examples" / "docs.csv"
GREEDY = GenerationSettings(max_new_tokens=8, temperature=0.0, seed=0, stop=("\n",))
QUESTION = "Context: Mia lives in Porto with two dogs.\nQuestion: Where does Mia live?\nAnswer:"
PROGRAM = """
import json, sys
from pathlib import Path
from exallm_udfs.engines.engine import GenerationSettings
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
engine = OpenVinoEngine(Path(sys.argv[1]), OpenVinoSettings(512, threads=int(sys.argv[2])))
settings = GenerationSettings(8, 0.0, 0, ("\\n",), reproducible=True)
results = engine.generate(json.load(sys.stdin), settings)
print(json.dumps([[result.text, result.score] for result in results]))
"""


@pytest.fixture(scope="module")
def ir(smollm2_gguf: Path) -> Path:
    return smollm2_source(exallm_home() / "models", lambda step: None).folder


@pytest.fixture(scope="module")
def engine(ir: Path) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(ir, OpenVinoSettings(context_length=512))
    yield engine
    engine.close()


def prompts() -> list[str]:
    """60 of them, of 60 to 120 tokens; some share what they begin with."""
    with DOCUMENTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:40]
    asked = [f"Context: {r['context']}\nQuestion: {r['question']}\nAnswer:" for r in rows]
    return asked + [text.replace("Question:", "Q:") for text in asked[:20]]


def generated(
    engine: OpenVinoEngine, texts: list[str], settings: GenerationSettings
) -> list[Generation]:
    results = engine.generate(texts, settings)
    assert all(isinstance(result, Generation) for result in results)
    return [result for result in results if isinstance(result, Generation)]


def test_a_score_is_the_geometric_mean_of_the_tokens_probabilities(engine: OpenVinoEngine) -> None:
    # The probability of each token alone is the score of a generation of one token.
    unstopped = replace(GREEDY, max_new_tokens=1, stop=(), reproducible=True)
    prompt, scores = QUESTION, []
    for _ in range(3):
        token = generated(engine, [prompt], unstopped)[0]
        scores.append(token.score)
        prompt += token.text
    whole = generated(engine, [QUESTION], replace(unstopped, max_new_tokens=3))[0]
    assert whole.text == prompt.removeprefix(QUESTION)
    expected = (scores[0] * scores[1] * scores[2]) ** (1 / 3)
    # Weights of 8 bits: a prompt's tokens are computed a little differently from an answer's.
    assert whole.score == pytest.approx(expected, rel=0.1)
    assert 0 < min(scores) < max(scores) < 1


def test_a_score_tells_a_sure_answer_from_a_guess(engine: OpenVinoEngine) -> None:
    one = replace(GREEDY, max_new_tokens=1)
    sure, guess = generated(engine, ["One, two, three, four, five, six, seven,", "Q x"], one)
    assert sure.score > 0.8 > 0.5 > guess.score


def test_tokens_behind_a_stop_string_count_for_nothing(engine: OpenVinoEngine) -> None:
    prompt = build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION)
    whole = generated(engine, [prompt], GREEDY)[0]
    assert (whole.text, whole.completion_tokens) == (" Porto", 2)
    # Its tokens are " Port" and "o", so that the engine misses "to" and runs on.
    cut = generated(engine, [prompt], replace(GREEDY, stop=("to",)))[0]
    assert (cut.text, cut.completion_tokens, cut.finish_reason) == (" Por", 1, "stop")
    first = generated(engine, [prompt], replace(GREEDY, max_new_tokens=1))[0]
    assert cut.score == pytest.approx(first.score, rel=1e-3)
    assert generated(engine, [prompt], replace(GREEDY, stop=(" ",)))[0].score == 0.0


def test_encode_gives_as_many_tokens_as_a_generation_counts(engine: OpenVinoEngine) -> None:
    for prompt in (QUESTION, "a", "\u202e😀 <|im_end|> x"):
        result = generated(engine, [prompt], replace(GREEDY, max_new_tokens=1))[0]
        assert len(engine.encode(prompt)) == result.prompt_tokens
    assert engine.encode("hello world") == engine.encode("hello") + engine.encode(" world")
    assert engine.context_length == 512


def test_the_ir_answers_as_its_gguf_does(
    engine: OpenVinoEngine, smollm2_gguf: Path, tmp_path: Path
) -> None:
    gguf = tmp_path / "exact.gguf"
    convert_to_q8(smollm2_gguf, gguf)
    other = OpenVinoEngine(gguf, OpenVinoSettings(context_length=512))
    asked = prompts()[:12]
    assert generated(other, asked, GREEDY) == generated(engine, asked, GREEDY)
    other.close()


def test_an_answer_does_not_depend_on_the_rows_beside_it(ir: Path) -> None:
    asked = prompts()[:40]
    order = random.Random(1).sample(range(len(asked)), len(asked))
    one, other = (OpenVinoEngine(ir, OpenVinoSettings(context_length=512)) for _ in range(2))
    together = generated(one, asked, GREEDY)
    shuffled = dict(
        zip(order, generated(one, [asked[index] for index in order], GREEDY), strict=True)
    )
    alone = [generated(other, [prompt], GREEDY)[0] for prompt in asked]
    equal = sum(
        (together[index].text == shuffled[index].text) + (together[index].text == alone[index].text)
        for index in order
    )
    assert equal / (2 * len(asked)) >= 0.99
    one.close()
    other.close()


def test_equal_prompts_and_shared_beginnings_answer_as_they_do_alone(
    engine: OpenVinoEngine,
) -> None:
    # The engine's own scheduler gives wrong answers here in one of its modes: a prompt begins out
    # of the cache while the one that it shares the cache with is still being computed.
    template = build_prompt(smollm2.PROMPT_TEMPLATE, QUESTION)
    asked = [template, template, template.replace("two dogs", "a cat"), template, QUESTION] * 2
    alone = {prompt: generated(engine, [prompt], GREEDY)[0].text for prompt in set(asked)}
    assert alone[template] == " Porto"
    for _ in range(2):
        together = generated(engine, asked, GREEDY)
        assert [one.text for one in together] == [alone[prompt] for prompt in asked]


def test_a_sampled_text_depends_on_its_seed_and_not_on_the_rows_beside_it(
    engine: OpenVinoEngine,
) -> None:
    asked = prompts()[:6]
    settings = replace(GREEDY, temperature=1.0, seed=7, reproducible=True)
    together = generated(engine, asked, settings)
    assert generated(engine, asked[::-1], settings)[::-1] == together
    assert generated(engine, asked[3:4], settings) == together[3:4]
    assert generated(engine, asked, replace(settings, seed=8)) != together


def test_reproducible_rows_give_the_same_bytes_in_any_order_and_process(
    engine: OpenVinoEngine, ir: Path
) -> None:
    asked = prompts()
    settings = replace(GREEDY, reproducible=True)
    expected = [(one.text, one.score) for one in generated(engine, asked, settings)]
    halves = [asked[0::2], asked[1::2]]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(ir), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for threads in (1, 2)
    ]
    for process, half in zip(processes, halves, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(half))
        process.stdin.close()
    for seed in (1, 2):
        order = list(range(len(asked)))
        random.Random(seed).shuffle(order)
        shuffled = generated(engine, [asked[index] for index in order], settings)
        assert [(one.text, one.score) for one in shuffled] == [expected[index] for index in order]
    for process, start in zip(processes, (0, 1), strict=True):
        assert process.stdout is not None
        answers = json.load(process.stdout)
        assert process.wait() == 0
        assert [tuple(answer) for answer in answers] == expected[start::2]
