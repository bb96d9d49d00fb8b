"""Train a byte-level BPE tokenizer."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from exallm_trainer.data.prepared import Prepared
from exallm_trainer.data.texts import running_texts
from exallm_udfs.errors import ExallmError

END_OF_TEXT = "<|endoftext|>"
_SPECIAL_TOKENS = (END_OF_TEXT,)
_BYTES = 256
# Embeddings of a row each are the larger part of a small model long before this.
_MOST = 1 << 18


@dataclass(frozen=True)
class TokenizerSettings:
    """What is trained.

    :param vocabulary: tokens at most: the special ones, one for each byte, and merges. Few texts
        give less merges than there is room for.
    :param least_count: a pair that is seen less often is not merged.
    """

    vocabulary: int = 8192
    least_count: int = 2

    def __post_init__(self) -> None:
        least = _BYTES + len(_SPECIAL_TOKENS)
        if not least <= self.vocabulary <= _MOST:
            raise ExallmError(
                "E-EXALLM-TRAIN-50",
                f"a vocabulary of {self.vocabulary} tokens cannot be trained",
                f"name {least} (one for each byte, and {', '.join(_SPECIAL_TOKENS)}) to {_MOST}",
            )
        if self.least_count < 1:
            raise ExallmError(
                "E-EXALLM-TRAIN-50", "a pair is merged from a count of 0 on", "name 1 or more"
            )


def train_tokenizer(prepared: Prepared, settings: TokenizerSettings) -> Any:
    """A tokenizer of the training split; validation is not seen.

    Byte-pair encoding (Sennrich et al., 2016) of bytes, with GPT-2's division into words and digits
    (Radford et al., 2019), so every text has tokens and every text comes back from its tokens.

    :returns: a fast tokenizer of transformers.
    :raises ExallmError: E-EXALLM-TRAIN-51 where the split holds no text.
    """
    texts = _texts(prepared)
    if not texts:
        raise ExallmError(
            "E-EXALLM-TRAIN-51",
            "the training split holds no text that a tokenizer could be trained on",
            "prepare data with texts or questions",
        )
    return _trained(texts, settings)


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write a folder that ``AutoTokenizer`` of transformers loads; it appears whole or not at all.

    :raises ExallmError: E-EXALLM-TRAIN-52 where it exists, or the disk refuses.
    """
    if folder.exists():
        raise _not_written(folder, "it exists")
    scratch = folder.with_name(f".{folder.name}")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        tokenizer.save_pretrained(scratch)
        scratch.rename(folder)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise _not_written(folder, str(error.strerror)) from error


def _trained(texts: Iterable[str], settings: TokenizerSettings) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        min_frequency=settings.least_count,
        special_tokens=list(_SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    end = tokenizer.token_to_id(END_OF_TEXT)
    # A prompt begins as every text in training does: after the end of another.
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END_OF_TEXT} $A", special_tokens=[(END_OF_TEXT, end)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        clean_up_tokenization_spaces=False,  # it would take blanks away that a text had
    )


def _texts(prepared: Prepared) -> list[str]:
    """Each context once, however many questions are asked about it."""
    asked = [f" {example.question}{example.completion()}" for example in prepared.train]
    return running_texts(prepared.train_texts, prepared.train) + asked


def _not_written(folder: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-52",
        f"the tokenizer cannot be written to {folder}: {problem}",
        "name a new folder on a disk that has room",
    )
