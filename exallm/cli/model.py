"""``exallm model``: models in a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from exallm.cli.progress import progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.models import AddedModel, ModelRequest, add_model, register_package
from exallm.installer.pruning import PrunePlan, plan_prune, prune
from exallm_udfs.names import check_alias


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

    SOURCE is smollm2 (as published), smollm2-qa (trained to answer questions), a GGUF file, a run
    of exallm train, a checkpoint folder, or owner/name of the Hugging Face Hub.
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
    _report(added, as_json)
    if not as_json and alias is None and added.version > 1:
        call = f"PROMOTE('{name}', {added.version}, '{{}}')"
        click.echo(f"to let it answer: {call} in SQL, or the same command with --alias champion")


@model.command("register")
@click.argument("package", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--alias", help="Alias that is to mean the version, such as champion or challenger.")
@target_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def register_command(package: Path, alias: str | None, as_json: bool, **options: Any) -> None:
    """Upload PACKAGE, a folder that exallm package made, and register it under its own version.

    \b
    Example:
      exallm model register packages/qa-v2/package --local --alias challenger
    """
    if alias is not None:
        check_alias(alias)
    target = target_of(options)
    with target.database.session() as connection, progress("reading the database") as shown:
        added = register_package(connection, target, package, alias, shown.step, shown.uploaded)
        connection.commit()
    _report(added, as_json)


def _report(added: AddedModel, as_json: bool) -> None:
    if as_json:
        outcome = {"model": added.name, "version": added.version, "is_new": added.is_new}
        click.echo(json.dumps(outcome))
        return
    state = "registered" if added.is_new else "was registered already"
    click.echo(f"{added.name} version {added.version} {state}")


@model.command("prune")
@target_options
@click.option(
    "--unregistered",
    is_flag=True,
    help="Also packages that no row names. Not while anybody uploads one.",
)
@click.option("--dry-run", is_flag=True, help="Show what would go and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def prune_command(unregistered: bool, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Remove from BucketFS the files of versions that SQL has deleted.

    EXECUTE SCRIPT EXALLM.DELETE_VERSION deletes a version; a script cannot reach its files. Run it
    when no statement uses the version any more.

    \b
    Example:
      exallm model prune --local --dry-run
    """
    target = target_of(options)
    with target.database.session() as connection, progress("reading the database") as shown:
        plan = plan_prune(connection, target, unregistered)
        if not dry_run:
            prune(target, plan, shown.step)
    _report_prune(plan, dry_run, as_json)


def _report_prune(plan: PrunePlan, dry_run: bool, as_json: bool) -> None:
    if as_json:
        packages = [
            {"package": package.path, "state": package.state, "files": len(package.files)}
            for package in plan.packages
        ]
        outcome = {"packages": packages, "elsewhere": list(plan.elsewhere), "removed": not dry_run}
        click.echo(json.dumps(outcome))
        return
    done = "would remove" if dry_run else "removed"
    for package in plan.packages:
        click.echo(f"{done} {package.name} ({package.state}, {len(package.files)} files)")
    for path in plan.elsewhere:
        click.echo(f"left {path}: it is not in this bucket")
    if not plan.packages:
        click.echo("there is nothing to remove")
