"""A model of transformers that writes, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.model_place import ModelPlace
from exallm_trainer.evaluate.model_under_test import load_model
from exallm_trainer.evaluate.transformers_answerer import TransformersAnswerer
from exallm_trainer.synthesize.generator import Completion, ModelIdentity

_MAX_NEW_TOKENS = 256
# With so many tokens a prompt, the logits of more prompts at a time take gigabytes.
_AT_ONCE = 4


class TransformersGenerator:
    """Greedy, until the model ends or the next passage would begin.

    A model with a chat template gets the prompt as a message of the user.

    :param cpu: compute on the CPU even where there is an accelerator.
    """

    def __init__(self, place: ModelPlace, base: str | None = None, cpu: bool = False) -> None:
        under_test = load_model(place, base, cpu)
        # A small context has room for the prompt, too.
        room = int(under_test.model.config.max_position_embeddings) // 2
        decoding = Decoding(
            max_new_tokens=min(_MAX_NEW_TOKENS, room), stop=("\nPassage:",), batch_rows=_AT_ONCE
        )
        self._tokenizer = under_test.tokenizer
        self._answerer = TransformersAnswerer(under_test, decoding)
        self._identity = ModelIdentity(place.name, under_test.sha256)

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def at_once(self) -> int:
        return _AT_ONCE

    def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
        """The number of each prompt and its completion; empty and cut where it does not fit."""
        chat = bool(self._tokenizer.chat_template)
        texts = [self._chat(prompt) for prompt in prompts] if chat else prompts
        # A chat template holds the special tokens already.
        generated = self._answerer.complete(texts, special=not chat)
        for at, each in enumerate(generated):
            yield at, Completion(each.text, each.finish_reason != "stop")

    def _chat(self, prompt: str) -> str:
        message = {"role": "user", "content": prompt}
        return str(
            self._tokenizer.apply_chat_template(
                [message], tokenize=False, add_generation_prompt=True
            )
        )
