"""Prompts and completions as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Written(Protocol):
    """What a model reads and what it has to write."""

    def prompt(self) -> str:
        """What it reads."""

    def completion(self) -> str:
        """What it has to write."""


@dataclass(frozen=True)
class TokenisedExample:
    """Tokens of a prompt and of its completion."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]


def tokenise(examples: Sequence[Written], tokenizer: Any) -> list[TokenisedExample]:
    """Prompts as the engines encode them, and completions without special tokens."""
    if not examples:
        return []
    prompts = tokenizer([example.prompt() for example in examples])["input_ids"]
    completions = tokenizer(
        [example.completion() for example in examples], add_special_tokens=False
    )["input_ids"]
    return [
        TokenisedExample(tuple(prompt), tuple(completion))
        for prompt, completion in zip(prompts, completions, strict=True)
    ]
