"""``exallm model``: models in a database."""

from __future__ import annotations

import json
from typing import Any

import click

from exallm.cli.progress import progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.models import ModelRequest, add_model


@click.group()
def model() -> None:
    """Bring models into a database.

    \b
    Example:
      exallm model add smollm2 --local
    """


@model.command("add")
@click.argument("source")
@click.option(
    "--name", default="qa", show_default=True, help="Model of the registry that gets a version."
)
@click.option(
    "--alias", help="Alias that is to mean the new version, such as champion or challenger."
)
@target_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def add_command(source: str, name: str, alias: str | None, as_json: bool, **options: Any) -> None:
    """Package SOURCE, upload it and register it as the next version of a model.

    SOURCE is smollm2, a GGUF file, a checkpoint folder, or owner/name of the Hugging Face Hub.
    The first version of a model becomes its champion; GPT2_INFERENCE answers from qa@champion.

    \b
    Example:
      exallm model add openai-community/gpt2 --local --alias champion
    """
    request = ModelRequest(source, name, alias)
    target = target_of(options)
    with target.database.session() as connection, progress("reading the database") as shown:
        added = add_model(connection, target, request, shown.step, shown.uploaded)
        connection.commit()
    if as_json:
        outcome = {"model": added.name, "version": added.version, "is_new": added.is_new}
        click.echo(json.dumps(outcome))
        return
    state = "registered" if added.is_new else "was registered already"
    click.echo(f"{added.name} version {added.version} {state}")
    if alias is None and added.version > 1:
        click.echo(f"to let it answer: exallm model add {source} --name {name} --alias champion")
