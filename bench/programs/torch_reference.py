"""Greedy answers of a checkpoint in torch fp32, the yardstick of quality.

Argument: the checkpoint's folder. A request names ``groups`` (lists of prompts that begin alike),
``max_new_tokens`` and ``stop``. The reply has ``groups`` of generated texts, in the same order.
What the prompts of a group have in common is computed once: the sums are those of whole prompts.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from bench.programs.json_lines import serve


def common_prefix(rows: Sequence[Sequence[int]]) -> int:
    """Tokens with which all rows begin; each row keeps one of its own at least."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return min(sum(1 for _ in same), min(map(len, rows)) - 1)


class TorchReference:
    """A model and the keys and values of what all prompts begin with."""

    def __init__(self, folder: str) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._end = self._model.generation_config.eos_token_id

    def answer(
        self, groups: Sequence[Sequence[str]], max_new_tokens: int, stop: Sequence[str]
    ) -> list[list[str]]:
        """Texts for groups of prompts, in their order; each ends at its stop string or later."""
        tokens = [[self._tokenizer(prompt).input_ids for prompt in group] for group in groups]
        shared = common_prefix([row for group in tokens for row in group])
        cache = self._extended(DynamicCache(), tokens[0][0][:shared])
        return [
            self._answer_group(group, shared, copy.deepcopy(cache), max_new_tokens, stop)
            for group in tokens
        ]

    def _extended(self, cache: DynamicCache, tokens: Sequence[int]) -> DynamicCache:
        if tokens:
            self._model(torch.tensor([tokens]), past_key_values=cache, logits_to_keep=1)
        return cache

    def _answer_group(
        self,
        rows: Sequence[Sequence[int]],
        known: int,
        cache: DynamicCache,
        max_new_tokens: int,
        stop: Sequence[str],
    ) -> list[str]:
        shared = common_prefix(rows)
        self._extended(cache, rows[0][known:shared])
        cache.batch_repeat_interleave(len(rows))
        rests = [row[shared:] for row in rows]
        longest = max(map(len, rests))
        padding = torch.tensor([[longest - len(rest)] for rest in rests])
        step = torch.tensor([[self._end] * (longest - len(rest)) + list(rest) for rest in rests])
        column = torch.arange(longest)
        mask = torch.cat(
            [torch.ones(len(rows), shared, dtype=torch.long), (column >= padding).long()], dim=1
        )
        positions = shared + (column - padding).clamp(min=0)
        generated: list[list[int]] = [[] for _ in rows]
        while True:
            logits = self._model(
                step,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                logits_to_keep=1,
            ).logits[:, -1]
            step = logits.argmax(dim=1, keepdim=True)
            for row, token in zip(generated, step[:, 0].tolist(), strict=True):
                row.append(token)
            texts = [self._text(row) for row in generated]
            if len(generated[0]) == max_new_tokens or all(
                self._end in row or any(string in text for string in stop)
                for row, text in zip(generated, texts, strict=True)
            ):
                return texts
            mask = torch.cat([mask, torch.ones(len(rows), 1, dtype=torch.long)], dim=1)
            positions = positions[:, -1:] + 1

    def _text(self, generated: Sequence[int]) -> str:
        ended = generated.index(self._end) if self._end in generated else len(generated)
        return str(self._tokenizer.decode(generated[:ended], skip_special_tokens=True))


def main() -> None:
    reference = TorchReference(sys.argv[1])

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            texts = reference.answer(request["groups"], request["max_new_tokens"], request["stop"])
        return {"groups": texts}

    serve(answer)


if __name__ == "__main__":
    main()
