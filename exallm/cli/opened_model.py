"""Models by the names that commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exallm.home import exallm_home
from exallm.models.minilm_source import NAME as MINILM
from exallm.models.minilm_source import minilm_folder
from exallm.models.smollm2 import PROMPT_TEMPLATE
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.models.smollm2_source import smollm2_file
from exallm_udfs.prompt import PLACEHOLDER

if TYPE_CHECKING:
    from exallm_trainer.evaluate.model_place import ModelPlace


def usual_template(place: ModelPlace) -> str:
    """How a model is asked: bare where it learnt that form, else with worked examples."""
    return PLACEHOLDER if place.asked_bare else PROMPT_TEMPLATE


_FETCHED = {SMOLLM2: smollm2_file, MINILM: minilm_folder}


def opened_model(name: str) -> str:
    """A model as the trainer opens it: ``smollm2`` and ``minilm`` are fetched if need be."""
    if name not in _FETCHED:
        return name
    return str(_FETCHED[name](exallm_home() / "models", lambda step: click.echo(step, err=True)))
