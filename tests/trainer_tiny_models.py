"""Tiny models with tokenizers of their own, which have learnt a few answers by heart."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exallm_trainer.example import Example

CONTEXT = "The mill of Leith was built in 1682 by Hugo Varga. It was sold to Ines Ferro."
EXAMPLES = (
    Example("when", CONTEXT, "When was the mill built?", ("1682", "in 1682"), "own", "mill"),
    Example("who", CONTEXT, "Who built the mill?", ("Hugo Varga",), "own", "mill"),
    Example("sold", CONTEXT, "Whom was it sold to?", ("Ines Ferro",), "own", "mill"),
    Example("fire", CONTEXT, "When did it burn?", (), "own", "mill"),
    Example("where", "A mill stands in Oslo.", "Where is a mill?", ("in Oslo",), "own", "oslo"),
)
_STEPS = 90


def save_tiny_model(
    folder: Path, kind: str = "llama", learnt: Sequence[Example] = EXAMPLES
) -> Path:
    """Two layers of a Llama or a GPT-2 that answers ``learnt`` right, in safetensors."""
    from transformers import set_seed

    tokenizer = _tokenizer()
    set_seed(0)
    model = _llama(len(tokenizer)) if kind == "llama" else _gpt2(len(tokenizer))
    if learnt:
        _learn(model, tokenizer, learnt)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def save_tiny_encoder(folder: Path) -> Path:
    """Two layers of a random BERT that takes 128 tokens, without a head, in safetensors."""
    from transformers import BertConfig, BertModel, set_seed

    tokenizer = _word_piece_tokenizer()
    set_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    tokenizer.save_pretrained(folder)
    BertModel(config).save_pretrained(folder)
    return folder


def _word_piece_tokenizer() -> Any:
    """Words of the examples and single characters: a trained vocabulary differs from run to run."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertTokenizer

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    text = " ".join(example.prompt() for example in EXAMPLES).lower()
    words = sorted({*re.findall(r"\w+", text), *string.ascii_lowercase, *string.digits, *".?:-"})
    pieces = [f"##{each}" for each in string.ascii_lowercase + string.digits]
    vocabulary = {each: number for number, each in enumerate([*marks, *words, *pieces])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return BertTokenizer(tokenizer_object=tokenizer)


def save_tiny_run(folder: Path) -> Path:
    """A run folder whose best checkpoint answers :data:`EXAMPLES` right."""
    save_tiny_model(folder / "best")
    recipe = {"method": "finetune", "base": "tiny", "optimisation": {"learning_rate": 1e-3}}
    (folder / "run.json").write_text(json.dumps({"base": "tiny", "recipe": recipe}))
    return folder


def save_tiny_span_run(folder: Path) -> Path:
    """A run folder of the recipe span, whose best checkpoint points anywhere."""
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

    encoder = save_tiny_encoder(folder / "encoder")
    set_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(encoder)
    model.save_pretrained(folder / "best")
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder / "best")
    settings = {"window_tokens": 48, "overlap_tokens": 16, "max_answer_tokens": 8}
    optimisation = {"learning_rate": 1e-3, "seed": 0}
    recipe = {"method": "span", "base": "tiny", "span": settings, "optimisation": optimisation}
    record = {"state": "finished", "reason": None, "run_id": "r", "base": "tiny", "recipe": recipe}
    record |= {"base_sha256": "0" * 64, "data_sha256": "0" * 64, "versions": {}}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "card.json").write_text("{}")
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([example.prompt() for example in EXAMPLES], trainer)
    # As GPT-2's: without a token for padding.
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


def _llama(vocabulary: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=0,
    )
    return LlamaForCausalLM(config)


def _gpt2(vocabulary: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=256,
        n_embd=64,
        n_layer=2,
        n_head=4,
        bos_token_id=None,
        eos_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    return GPT2LMHeadModel(config)


def _learn(model: Any, tokenizer: Any, examples: Sequence[Example]) -> None:
    """Train on the completions until they are known by heart."""
    import torch
    from torch.nn.functional import cross_entropy

    from exallm_trainer.tokenised import tokenise
    from exallm_trainer.train.passage import passages_of
    from exallm_trainer.train.row import row_of

    passages, _ = passages_of(examples, tokenise(examples, tokenizer), 256)
    row = row_of(passages)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(_STEPS):
        loss = cross_entropy(row.logits(model), row.labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.01
