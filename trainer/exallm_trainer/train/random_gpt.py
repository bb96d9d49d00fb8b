"""A GPT that has learnt nothing yet."""

from __future__ import annotations

from typing import Any

from transformers import GPT2Config, GPT2LMHeadModel

from exallm_trainer.recipe import Architecture


def random_gpt(architecture: Architecture, tokenizer: Any, attention: str | None) -> Any:
    """GPT-2's architecture with random weights, drawn from torch's generator as it stands.

    Output and input embeddings are the same tensor (Press and Wolf, 2017), as GPT-2 has it.

    :param attention: how transformers computes attention, None for its own choice.
    """
    dropout = architecture.dropout
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=architecture.block_size,
        n_layer=architecture.n_layer,
        n_head=architecture.n_head,
        n_embd=architecture.n_embd,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        attn_implementation=attention,
    )
    return GPT2LMHeadModel(config)
