"""OpenVINO GenAI called directly, in its best setting for many prompts on a CPU.

Arguments: the model (GGUF file or IR folder), CPU threads, tokens of the key-value cache.
A request names ``prompts``, ``max_new_tokens`` and ``stop``. The reply has ``texts``,
``prompt_tokens`` of all prompts together, and ``load_seconds`` that the model took before.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import openvino_genai

from bench.programs.json_lines import serve

_BLOCK_TOKENS = 32
# Prompts of several rows go through the model together; more than this was no faster.
_BATCHED_TOKENS = 2048


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
        prompts = request["prompts"]
        encoded = [tokenizer.encode(prompt).input_ids for prompt in prompts]
        results = pipeline.generate(encoded, [config] * len(prompts))
        texts = [
            tokenizer.decode(result.m_generation_ids[0]) if result.m_generation_ids else ""
            for result in results
        ]
        prompt_tokens = sum(int(ids.shape[1]) for ids in encoded)
        return {"texts": texts, "prompt_tokens": prompt_tokens, "load_seconds": load_seconds}

    serve(answer)


if __name__ == "__main__":
    main()
