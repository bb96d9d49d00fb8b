"""OpenVINO GenAI called directly, in its best setting for many prompts on a CPU.

Arguments: the model (GGUF file or IR folder), CPU threads, tokens of the key-value cache.
A request names ``passages`` (lists of prompts that begin alike), ``max_new_tokens`` and ``stop``.
The reply has ``texts`` in the order of the prompts, ``prompt_tokens`` of all of them together, and
``load_seconds`` that the model took before.

The engine takes a prefix from its cache only where an earlier step computed it. So it gets one
prompt, then the first of each other passage, then all that is left: more than four times as fast as
all at once, and twice as fast as one at a time (docs/decisions.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import openvino_genai

from bench.programs.json_lines import serve

_BLOCK_TOKENS = 32
# Prompts of several rows go through the model together; more than this was no faster.
_BATCHED_TOKENS = 2048


def turns(sizes: Sequence[int]) -> list[list[int]]:
    """Numbers of prompts for each call, for passages of these sizes; none is empty."""
    starts = list(accumulate(sizes, initial=0))
    firsts = [start for start, size in zip(starts, sizes, strict=False) if size]
    others = sorted(set(range(starts[-1])) - set(firsts))
    return [turn for turn in (firsts[:1], firsts[1:], others) if turn]


def main() -> None:
    model, threads, cache_tokens = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.num_kv_blocks = cache_tokens // _BLOCK_TOKENS
    scheduler.max_num_batched_tokens = _BATCHED_TOKENS
    scheduler.enable_prefix_caching = True
    began = time.perf_counter()
    tokenizer = openvino_genai.Tokenizer(model)
    # Pinned, two processes would sit on the same first cores.
    pipeline = openvino_genai.ContinuousBatchingPipeline(
        model,
        tokenizer,
        scheduler,
        "CPU",
        ENABLE_CPU_PINNING=False,
        INFERENCE_NUM_THREADS=threads,
    )
    load_seconds = time.perf_counter() - began

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        config = openvino_genai.GenerationConfig()
        config.eos_token_id = tokenizer.get_eos_token_id()
        config.stop_token_ids = pipeline.get_config().stop_token_ids | {config.eos_token_id}
        config.apply_chat_template = False
        config.max_new_tokens = request["max_new_tokens"]
        config.stop_strings = set(request["stop"])
        passages = request["passages"]
        encoded = [tokenizer.encode(prompt).input_ids for passage in passages for prompt in passage]
        texts = [""] * len(encoded)
        for turn in turns([len(passage) for passage in passages]):
            results = pipeline.generate([encoded[n] for n in turn], [config] * len(turn))
            for number, result in zip(turn, results, strict=True):
                if result.m_generation_ids:
                    texts[number] = tokenizer.decode(result.m_generation_ids[0])
        prompt_tokens = sum(int(ids.shape[1]) for ids in encoded)
        return {"texts": texts, "prompt_tokens": prompt_tokens, "load_seconds": load_seconds}

    serve(answer)


if __name__ == "__main__":
    main()
