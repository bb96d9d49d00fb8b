"""Models by the names that commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exallm.home import exallm_home
from exallm.models.smollm2 import PROMPT_TEMPLATE
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.models.smollm2_source import smollm2_file
from exallm_udfs.prompt import PLACEHOLDER

if TYPE_CHECKING:
    from exallm_trainer.evaluate.model_place import ModelPlace


def usual_template(place: ModelPlace) -> str:
    """How a model is asked: bare where exallm trained it, else with worked examples."""
    return PLACEHOLDER if place.trained else PROMPT_TEMPLATE


def opened_model(name: str) -> str:
    """A model as the trainer opens it: ``smollm2`` is its file, fetched if need be."""
    if name != SMOLLM2:
        return name
    return str(smollm2_file(exallm_home() / "models", lambda step: click.echo(step, err=True)))
