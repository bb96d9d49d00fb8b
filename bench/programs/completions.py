"""What a model makes of some beginnings.

No arguments. A request names ``model``, as ``exallm evaluate`` takes it, ``base`` of an adapter or
null, ``prompts``, and ``max_new_tokens``. The reply has ``texts``, one a prompt, up to the end of
the text or of its line; drawn with a fixed seed at a temperature of 0.7, since the likeliest tokens
of a small model soon go round in circles.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig, set_seed

from bench.programs.json_lines import serve
from exallm_trainer.evaluate.model_place import model_place
from exallm_trainer.evaluate.model_under_test import ModelUnderTest, load_model

_TEMPERATURE = 0.7


def complete(request: dict[str, Any]) -> dict[str, Any]:
    """Complete each prompt."""
    loaded = load_model(model_place(request["model"]), request["base"], cpu=True)
    limit = request["max_new_tokens"]
    return {"texts": [_completion(loaded, prompt, limit) for prompt in request["prompts"]]}


def _completion(loaded: ModelUnderTest, prompt: str, limit: int) -> str:
    end = loaded.tokenizer.eos_token_id
    config = GenerationConfig(
        do_sample=True,
        temperature=_TEMPERATURE,
        max_new_tokens=limit,
        eos_token_id=end,
        pad_token_id=end,
    )
    ids = torch.tensor([loaded.tokenizer(prompt)["input_ids"]])
    set_seed(0)
    with torch.inference_mode():
        generated = loaded.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config
        )
    text = loaded.tokenizer.decode(generated[0, ids.shape[1] :], skip_special_tokens=True)
    return str(text).strip().partition("\n")[0]


if __name__ == "__main__":
    serve(complete)
