"""The article's function: a UDF that answers one row with transformers.

Argument: the checkpoint's folder. A request names ``prompts``, ``max_new_tokens`` and ``mode``:
``printed`` loads tokenizer and model in ``run`` for every row and generates all tokens, as the
article prints it; ``cached`` keeps them and ends at the strings in ``stop``, as exallm does.
The reply has ``texts`` and ``seconds`` for all of them; loading for ``cached`` is not in it.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.programs.json_lines import serve

_LABEL = "Answer:"
_ANSWER = re.compile(_LABEL + r"\s*(.*)", re.DOTALL)


class ArticleFunction:
    """The function, with and without a model that is loaded once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._kept: tuple[Any, Any] | None = None

    def run(self, ctx: str, max_new_tokens: int) -> str:
        """One row, as the article prints it."""
        tokenizer, model = self._load()
        inputs = tokenizer(ctx, return_tensors="pt")
        outputs = model.generate(**inputs, max_new_tokens=max_new_tokens)
        text = tokenizer.decode(outputs[0], skip_special_tokens=True)
        return self._after_label(text, ctx)

    def run_cached(self, ctx: str, max_new_tokens: int, stop: list[str]) -> str:
        """One row with the model in memory, ended at the stop strings."""
        tokenizer, model = self.keep()
        inputs = tokenizer(ctx, return_tensors="pt")
        outputs = model.generate(
            **inputs, max_new_tokens=max_new_tokens, stop_strings=stop, tokenizer=tokenizer
        )
        text = tokenizer.decode(outputs[0], skip_special_tokens=True)
        return self._after_label(text, ctx)

    def keep(self) -> tuple[Any, Any]:
        """Tokenizer and model, loaded with the first call."""
        if self._kept is None:
            self._kept = self._load()
        return self._kept

    def _load(self) -> tuple[Any, Any]:
        return (
            AutoTokenizer.from_pretrained(self._folder),
            AutoModelForCausalLM.from_pretrained(self._folder),
        )

    @staticmethod
    def _after_label(text: str, ctx: str) -> str:
        """What follows the prompt's last label: its examples have answers of their own."""
        found = _ANSWER.search(text, ctx.rindex(_LABEL))
        return found.group(1) if found else ""


def main() -> None:
    function = ArticleFunction(sys.argv[1])

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        prompts, limit = request["prompts"], request["max_new_tokens"]
        cached = request["mode"] == "cached"
        if cached:
            function.keep()
        began = time.perf_counter()
        if cached:
            texts = [function.run_cached(prompt, limit, request["stop"]) for prompt in prompts]
        else:
            texts = [function.run(prompt, limit) for prompt in prompts]
        return {"texts": texts, "seconds": time.perf_counter() - began}

    serve(answer)


if __name__ == "__main__":
    main()
