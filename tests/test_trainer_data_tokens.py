"""The cache of tokens: the same as without it, and found only by all that decides them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the trainer's packages are not installed")

from exallm_trainer.data import token_cache
from exallm_trainer.data.token_cache import tokenised, tokenised_texts
from exallm_trainer.example import Example
from exallm_trainer.tokenised import tokenise
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer

EXAMPLES = [
    Example("1", "Ann ran home.", "Who ran?", ("Ann",), "s", "d"),
    Example("2", "Ann ran home.", "Why?", (), "s", "d"),
]
TEXTS = ["Ann ran home.", ""]


def tokenizer(*words: str) -> Any:
    """A tokenizer of whole words, beside those of the examples."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = ["?", "Ann", "ran", "home", ".", "Who", "Why", "Question", "Context", "Answer", ":"]
    vocabulary = {word: number for number, word in enumerate([*known, *words])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="?")


def test_the_second_time_tokens_come_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tokenise(EXAMPLES, tokenizer())
    texts = [tuple(ids) for ids in tokenizer()(TEXTS)["input_ids"]]
    assert tokenised(EXAMPLES, tokenizer(), tmp_path) == expected
    assert tokenised_texts(TEXTS, tokenizer(), tmp_path) == texts == [(1, 2, 3, 4), ()]

    def fail(*_: object) -> None:
        raise AssertionError("tokens were computed again")

    monkeypatch.setattr(token_cache, "tokenise", fail)
    assert tokenised(EXAMPLES, tokenizer(), tmp_path) == expected
    assert tokenised_texts(TEXTS, tokenizer(), tmp_path) == texts
    assert len(list(tmp_path.iterdir())) == 2


def test_other_examples_and_another_tokenizer_have_their_own_file(tmp_path: Path) -> None:
    others = [replace(EXAMPLES[0], answers=("Ann ran",)), EXAMPLES[1]]
    for examples, own in (
        (EXAMPLES, tokenizer()),
        (others, tokenizer()),
        (EXAMPLES, tokenizer("x")),
    ):
        assert tokenised(examples, own, tmp_path) == tokenise(examples, own)
    assert len(list(tmp_path.iterdir())) == 3
    # What does not decide the tokens makes no file.
    used = tokenizer()
    used(["Ann"], truncation=True, max_length=1)
    tokenised([replace(example, id="new") for example in EXAMPLES], used, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_nothing_to_tokenise(tmp_path: Path) -> None:
    for _ in range(2):
        assert tokenised([], tokenizer(), tmp_path) == []
        assert tokenised_texts([], tokenizer(), tmp_path) == []


def test_a_broken_file_is_said_so(tmp_path: Path) -> None:
    tokenised(EXAMPLES, tokenizer(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-18"):
        tokenised(EXAMPLES, tokenizer(), tmp_path)


def test_two_processes_that_make_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, others = token_cache.save_file, [EXAMPLES]

    def save_while_another_does(tensors: Any, file: Path) -> None:
        save(tensors, file)
        if others:
            tokenised(others.pop(), tokenizer(), tmp_path)

    monkeypatch.setattr(token_cache, "save_file", save_while_another_does)
    expected = tokenise(EXAMPLES, tokenizer())
    for _ in range(2):
        assert tokenised(EXAMPLES, tokenizer(), tmp_path) == expected
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a file")
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-17"):
        tokenised(EXAMPLES, tokenizer(), tmp_path / "tokens")
