"""The methods of recipes: what each trains, and what it learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from transformers import AutoModelForQuestionAnswering
from transformers.utils import logging

from exallm_trainer.recipe import Method
from exallm_trainer.tokenizer.load import load_tokenizer
from exallm_trainer.train.answers import Answers
from exallm_trainer.train.base_model import BaseModel, add_adapter, load_base
from exallm_trainer.train.objective import Objective
from exallm_trainer.train.preferences import Preferences
from exallm_trainer.train.random_gpt import random_gpt
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.spans import Spans
from exallm_trainer.train.texts import Texts


@dataclass(frozen=True)
class MethodParts:
    """One line of the table.

    :param start: the model that is trained; takes the request, the device and the precision.
    :param objective: takes the request, the model as it starts, the device and the precision.
    """

    start: Callable[[TrainRequest, torch.device, str], BaseModel]
    objective: Callable[[TrainRequest, BaseModel, torch.device, str], Objective]


def _causal_model(request: TrainRequest, device: torch.device, precision: str) -> BaseModel:
    """The request's base, with an adapter where the recipe has one."""
    recipe = request.recipe
    # What is trained stays float32; a frozen base may be kept in what is computed with.
    half = recipe.lora is not None and precision == "bf16"
    base = load_base(
        request.base,
        torch.bfloat16 if half else torch.float32,
        request.base_sha256,
        _attention(device),
    )
    if recipe.lora is None:
        return base
    return replace(base, model=add_adapter(base.model, recipe.lora, request.adapter))


def _span_model(request: TrainRequest, device: torch.device, precision: str) -> BaseModel:
    """The request's encoder with a new head that scores each token as begin and end."""
    logging.set_verbosity_error()  # the head is not in the base, and would be told of
    return load_base(
        request.base,
        torch.float32,
        request.base_sha256,
        _attention(device),
        model_class=AutoModelForQuestionAnswering,
    )


def _answers(
    request: TrainRequest, start: BaseModel, device: torch.device, precision: str
) -> Answers:
    return Answers(request, start.tokenizer, device)


def _preferences(
    request: TrainRequest, start: BaseModel, device: torch.device, precision: str
) -> Preferences:
    settings = request.recipe.dpo
    assert settings is not None, "a recipe of this method has the section"
    return Preferences(request, settings, start, device, precision)


def _texts(request: TrainRequest, start: BaseModel, device: torch.device, precision: str) -> Texts:
    return Texts(request, start, device)


def _spans(request: TrainRequest, start: BaseModel, device: torch.device, precision: str) -> Spans:
    settings = request.recipe.span
    assert settings is not None, "a recipe of this method has the section"
    return Spans(request, settings, start, device)


def _random_model(request: TrainRequest, device: torch.device, precision: str) -> BaseModel:
    """A new model for the request's tokenizer."""
    architecture, folder = request.recipe.architecture, request.tokenizer
    assert architecture is not None and folder is not None, "the request was checked"
    tokenizer = load_tokenizer(str(folder))
    model = random_gpt(architecture, tokenizer, _attention(device))
    return BaseModel(model, tokenizer, "")


def _attention(device: torch.device) -> str | None:
    """See :meth:`exallm_trainer.train.row.Row.to`."""
    return "eager" if device.type == "cpu" else None


METHODS: Mapping[Method, MethodParts] = {
    "lora": MethodParts(_causal_model, _answers),
    "finetune": MethodParts(_causal_model, _answers),
    "span": MethodParts(_span_model, _spans),
    "dpo": MethodParts(_causal_model, _preferences),
    "scratch": MethodParts(_random_model, _texts),
    "continue": MethodParts(_causal_model, _texts),
}
