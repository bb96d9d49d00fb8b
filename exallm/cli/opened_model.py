"""Models by the names that commands take."""

from __future__ import annotations

import click

from exallm.home import exallm_home
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.models.smollm2_source import smollm2_file


def opened_model(name: str) -> str:
    """A model as the trainer opens it: ``smollm2`` is its file, fetched if need be."""
    if name != SMOLLM2:
        return name
    return str(smollm2_file(exallm_home() / "models", lambda step: click.echo(step, err=True)))
