"""Answers of a model that transformers computes in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from exallm_trainer.evaluate.answers import (
    FinishReason,
    Generated,
    GivenAnswer,
    Observer,
    answer_from,
    unobserved,
)
from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.likelihood import Likelihood, likelihood_of
from exallm_trainer.evaluate.model_under_test import ModelUnderTest
from exallm_trainer.example import Example
from exallm_trainer.tokenised import TokenisedExample
from exallm_trainer.train.passage import passages_of
from exallm_trainer.train.row import row_of
from exallm_udfs.answer import cut_at_stop
from exallm_udfs.prompt import ContextQuestion

_TOO_LONG = Generated("", "too_long")


class TransformersAnswerer:
    """Greedy generation in batches of prompts that are about as long, padded on the left.

    A prompt that does not fit into the model's context with an answer is not computed.
    """

    def __init__(self, under_test: ModelUnderTest, decoding: Decoding) -> None:
        self._model, self._tokenizer = under_test.model, under_test.tokenizer
        self._device = under_test.device
        self._decoding = decoding
        self._limit = int(self._model.config.max_position_embeddings)
        ends = self._model.generation_config.eos_token_id
        ends = self._tokenizer.eos_token_id if ends is None else ends
        self._ends = frozenset(ends if isinstance(ends, list) else [ends]) - {None}
        # What stands in front of a shorter prompt is masked, so any token will do.
        padding = self._tokenizer.pad_token_id
        self._padding = min(self._ends, default=0) if padding is None else int(padding)
        self._config = GenerationConfig(
            do_sample=False,
            max_new_tokens=decoding.max_new_tokens,
            stop_strings=list(decoding.stop),
            eos_token_id=sorted(self._ends) or None,
            pad_token_id=self._padding,
            return_dict_in_generate=True,
            output_logits=True,
        )

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[GivenAnswer]:
        """One answer a question, in their order, as ``AI_ANSWER`` gives it."""
        generated = self.complete([self._decoding.prompt(asked) for asked in questions], observe)
        return [answer_from(each, about) for each, about in zip(generated, questions, strict=True)]

    def complete(
        self, texts: Sequence[str], observe: Observer = unobserved, special: bool = True
    ) -> list[Generated]:
        """One generation a prompt, in their order.

        :param special: whether the tokenizer adds its own tokens, such as one for the beginning.
        """
        prompts = self._tokens(texts, special)
        room = self._limit - self._decoding.max_new_tokens
        fitting = [number for number, prompt in enumerate(prompts) if len(prompt) <= room]
        # The longest come first: what does not fit into memory fails at the start.
        fitting.sort(key=lambda number: -len(prompts[number]))
        answers = [_TOO_LONG] * len(prompts)
        done = len(prompts) - len(fitting)
        observe(done, len(prompts))
        rows = self._decoding.batch_rows
        for start in range(0, len(fitting), rows):
            batch = fitting[start : start + rows]
            generated = self._generate([prompts[number] for number in batch])
            for number, generation in zip(batch, generated, strict=True):
                answers[number] = generation
            done += len(batch)
            observe(done, len(prompts))
        return answers

    def likelihood(self, examples: Sequence[Example], observe: Observer) -> Likelihood | None:
        """Of the right answers, over the examples that fit into the context; None without any."""
        texts = [
            self._decoding.prompt(ContextQuestion(example.context, example.question))
            for example in examples
        ]
        completions = [example.completion() for example in examples]
        tokenised = [
            TokenisedExample(tuple(prompt), tuple(completion))
            for prompt, completion in zip(
                self._tokens(texts), self._tokens(completions, special=False), strict=True
            )
        ]
        fits = [len(each.prompt) + len(each.completion) <= self._limit for each in tokenised]
        passages, _ = passages_of(examples, tokenised, self._limit)
        nats, tokens = 0.0, 0
        for number, passage in enumerate(passages, start=1):
            row = row_of([passage]).to(self._device)
            with torch.inference_mode():
                nats += row.loss(self._model).item()
            tokens += passage.learnt
            observe(number, len(passages))
        kept = [text for text, fit in zip(completions, fits, strict=True) if fit]
        size = sum(len(text.encode()) for text in kept)
        return likelihood_of(nats, tokens, size) if kept else None

    def _tokens(self, texts: Sequence[str], special: bool = True) -> list[list[int]]:
        encoded = self._tokenizer(list(texts), add_special_tokens=special)["input_ids"]
        return [list(tokens) for tokens in encoded]

    def _generate(self, prompts: Sequence[list[int]]) -> list[Generated]:
        width = max(len(prompt) for prompt in prompts)
        padded = [[self._padding] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=torch.tensor(padded, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
                generation_config=self._config,
                tokenizer=self._tokenizer,
            )
            log_probabilities = _chosen(output.logits, output.sequences[:, width:])
        rows = output.sequences[:, width:].tolist()
        return [
            self._generated(tokens, logs)
            for tokens, logs in zip(rows, log_probabilities.tolist(), strict=True)
        ]

    def _generated(self, tokens: Sequence[int], logs: Sequence[float]) -> Generated:
        """What one row holds up to its end; behind it are tokens that only fill it up."""
        size = next((at for at, token in enumerate(tokens) if token in self._ends), len(tokens))
        texts = [self._text(tokens[: at + 1]) for at in range(size)]
        stop_at = next(
            (at for at, text in enumerate(texts) if cut_at_stop(text, self._decoding.stop) != text),
            None,
        )
        if stop_at is not None:
            # The token that holds the stop string is none of the answer's.
            return Generated(texts[stop_at], "stop", _mean(logs[:stop_at]))
        reason: FinishReason = "stop" if size < len(tokens) else "length"
        return Generated(texts[-1] if texts else "", reason, _mean(logs[:size]))

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _chosen(logits: Sequence[Any], tokens: torch.Tensor) -> torch.Tensor:
    """Log probability of each generated token, shape (rows, new tokens), in float32."""
    columns = [
        step.float().log_softmax(dim=-1).gather(1, tokens[:, at : at + 1])
        for at, step in enumerate(logits)
    ]
    return torch.cat(columns, dim=1)
