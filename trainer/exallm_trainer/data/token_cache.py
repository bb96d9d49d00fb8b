"""Tokens of examples and texts, computed once and then read from disk."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from exallm_trainer.tokenised import TokenisedExample, Written, tokenise
from exallm_udfs.errors import ExallmError

Tokens = tuple[int, ...]


def tokenised(
    examples: Sequence[Written], tokenizer: Any, folder: Path | None
) -> list[TokenisedExample]:
    """What :func:`exallm_trainer.tokenised.tokenise` gives; the second time from a file.

    The file is found by the sha256 of the tokenizer and of every prompt and completion, so a
    change of one of them, or of the form of prompts, makes a new one.

    :param folder: ``tokens`` of the prepared folder, None to keep no file.
    :raises ExallmError: E-EXALLM-DATA-18 where the file is broken, -17 where it cannot be written.
    """
    if folder is None:
        return tokenise(examples, tokenizer)
    texts = chain.from_iterable((e.prompt(), e.completion()) for e in examples)
    file = folder / f"{_key('examples', tokenizer, texts)}.safetensors"

    def compute() -> dict[str, list[Tokens]]:
        found = tokenise(examples, tokenizer)
        return {
            "prompt": [one.prompt for one in found],
            "completion": [o.completion for o in found],
        }

    stored = _stored(file, ("prompt", "completion"), compute)
    return [
        TokenisedExample(prompt, completion)
        for prompt, completion in zip(stored["prompt"], stored["completion"], strict=True)
    ]


def tokenised_texts(texts: Sequence[str], tokenizer: Any, folder: Path | None) -> list[Tokens]:
    """The tokens of each text, with the special tokens that the tokenizer sets.

    :param folder: as of :func:`tokenised`; None to keep no file.
    :raises ExallmError: as :func:`tokenised`.
    """

    def compute() -> dict[str, list[Tokens]]:
        ids = tokenizer(list(texts), verbose=False)["input_ids"] if texts else []
        return {"text": [tuple(one) for one in ids]}

    if folder is None:
        return compute()["text"]
    file = folder / f"{_key('texts', tokenizer, texts)}.safetensors"
    return _stored(file, ("text",), compute)["text"]


def _stored(
    file: Path, names: Sequence[str], compute: Callable[[], dict[str, list[Tokens]]]
) -> dict[str, list[Tokens]]:
    if file.is_file():
        return _read(file, names)
    sequences = compute()
    _write(file, sequences)
    return sequences


def _read(file: Path, names: Sequence[str]) -> dict[str, list[Tokens]]:
    try:
        tensors = load_file(file)
        return {
            name: _divided(tensors[f"{name}.tokens"].tolist(), tensors[f"{name}.lengths"].tolist())
            for name in names
        }
    except (OSError, SafetensorError, KeyError) as error:
        raise ExallmError(
            "E-EXALLM-DATA-18", f"{file} is broken: {error}", "delete it; it is made again"
        ) from error


def _divided(tokens: list[int], lengths: list[int]) -> list[Tokens]:
    ends = accumulate(lengths, initial=0)
    return [tuple(tokens[begin:end]) for begin, end in pairwise(ends)]


def _write(file: Path, sequences: dict[str, list[Tokens]]) -> None:
    """Whole or not at all: the file gets its name when all of it is written."""
    tensors = {}
    for name, values in sequences.items():
        flat = list(chain.from_iterable(values))
        tensors[f"{name}.tokens"] = np.array(flat, dtype=np.int32)
        tensors[f"{name}.lengths"] = np.array([len(one) for one in values], dtype=np.int32)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Each of its own: the processes of a run may all make the file.
        with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
            save_file(tensors, Path(scratch, file.name))
            Path(scratch, file.name).replace(file)
    except (OSError, SafetensorError) as error:
        raise ExallmError(
            "E-EXALLM-DATA-17",
            f"tokens cannot be cached in {file.parent}: {error}",
            "make room on the disk",
        ) from error


def _key(kind: str, tokenizer: Any, texts: Iterable[str]) -> str:
    """sha256 of the kind, of all that the tokenizer does, and of the texts."""
    digest = hashlib.sha256(kind.encode())
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    # Left over from an earlier call; the next one sets them anew.
    state.update(truncation=None, padding=None)
    for text in chain([json.dumps(state)], texts):
        data = json.dumps(text).encode()
        digest.update(f"{len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
