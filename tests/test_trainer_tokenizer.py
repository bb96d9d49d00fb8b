"""Tokenizers: every text comes back, fewer tokens than bytes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm.cli.tokenizer import tokenizer as command
from exallm_trainer.data.prepared import Prepared, read_prepared
from exallm_trainer.tokenizer.judge import judge
from exallm_trainer.tokenizer.load import load_tokenizer
from exallm_trainer.tokenizer.round_trip import awkward_texts, changed_by
from exallm_trainer.tokenizer.train import (
    END_OF_TEXT,
    TokenizerSettings,
    save_tokenizer,
    train_tokenizer,
)
from exallm_udfs.errors import ExallmError
from tests.trainer_prepared_texts import ZEPPELIN, prepare_texts

pytestmark = pytest.mark.trainer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_texts(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def prepared(data: Path) -> Prepared:
    return read_prepared(data)


@pytest.fixture(scope="module")
def own(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tokenizer of 280 tokens, written and loaded as users do."""
    folder = tmp_path_factory.mktemp("tokenizers") / "own"
    save_tokenizer(train_tokenizer(prepared, TokenizerSettings(280)), folder)
    return load_tokenizer(str(folder))


def test_each_byte_has_a_token_and_the_end_one_of_its_own(own: Any) -> None:
    from tokenizers.pre_tokenizers import ByteLevel

    assert len(own) == 280
    alphabet = ByteLevel.alphabet()
    assert len(alphabet) == 256
    assert set(alphabet) <= set(own.get_vocab())
    assert own.eos_token == own.bos_token == END_OF_TEXT
    # Nothing is put in front of a text or behind it unasked.
    # Every text begins after the end of another.
    assert own("")["input_ids"] == [own.eos_token_id]


def test_awkward_texts_have_every_byte_of_utf_8_and_come_back(own: Any) -> None:
    texts = awkward_texts()
    found = set("".join(texts).encode())
    assert found == set(range(256)) - {0xC0, 0xC1} - set(range(0xF5, 0x100))
    assert changed_by(own, texts) == []


@given(st.text())
def test_any_text_comes_back(own: Any, text: str) -> None:
    assert changed_by(own, [text]) == []


def test_a_text_that_does_not_come_back_is_told() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(["a b"], trainers.WordLevelTrainer(special_tokens=["?"]))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?")
    assert changed_by(tokenizer, ["a b", "a  b", "c"]) == ["a  b", "c"]
    figures = judge("words", tokenizer, ["a b"])
    assert (figures.text_bytes, figures.tokens, figures.bytes_per_token) == (3, 2, 1.5)
    assert 0 < figures.changed < figures.tried


def test_the_same_data_give_the_same_tokenizer(prepared: Prepared) -> None:
    first, second = (train_tokenizer(prepared, TokenizerSettings(300)) for _ in range(2))
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()


def test_validation_is_not_trained_on(own: Any, prepared: Prepared) -> None:
    """What words of the validation split alone are made of has no token."""
    vocabulary = set(own.get_vocab())
    assert "Ġw" in vocabulary
    assert any(ZEPPELIN in example.context for example in prepared.validation)
    assert not any("zep" in token for token in vocabulary)


def test_a_vocabulary_below_the_bytes_is_refused() -> None:
    TokenizerSettings(257)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-50: a vocabulary of 256 .* name 257"):
        TokenizerSettings(256)
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-50"):
        TokenizerSettings(1 << 30)


def test_a_folder_that_is_there_is_not_written_over(prepared: Prepared, tmp_path: Path) -> None:
    trained = train_tokenizer(prepared, TokenizerSettings(260))
    save_tokenizer(trained, tmp_path / "own")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-52: .* it exists"):
        save_tokenizer(trained, tmp_path / "own")


def test_a_place_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-53"):
        load_tokenizer(str(tmp_path))


def test_splits_without_text_are_refused(tmp_path: Path, own: Any) -> None:
    from dataclasses import replace

    empty = replace(read_prepared(prepare_texts(tmp_path)), train=[], train_texts=[])
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-51"):
        train_tokenizer(empty, TokenizerSettings(300))
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-54"):
        judge("own", own, [])


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(command, ["train", *map(str, arguments)])


def test_the_command_judges_both(data: Path, own: Any, tmp_path: Path) -> None:
    options = ("--data", data, "--vocabulary", 320, "--against", own.name_or_path)
    result = call(*options, "--out", tmp_path / "shown")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert {row[0]: (row[1], row[4]) for row in rows if row and row[0] in ("shown", "own")} == {
        "shown": ("320", "0"),
        "own": ("280", "0"),
    }
    result = call(*options, "--out", tmp_path / "asked", "--json")
    found = json.loads(result.stdout)
    assert found["data_sha256"] == read_prepared(data).sha256
    larger, smaller = found["tokenizers"]
    assert larger["bytes_per_token"] > smaller["bytes_per_token"] > 1
    assert len(load_tokenizer(str(tmp_path / "asked"))) == 320
