"""``exallm install``: exallm's objects and a first model into a database."""

from __future__ import annotations

import json
from typing import Any

import click

from exallm.cli.progress import Progress, progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.install import (
    Plan,
    activate_local_language,
    apply_plan,
    plan_install,
    require_language,
)
from exallm.installer.models import AddedModel, ModelRequest, add_model
from exallm.installer.target import Target


@click.command()
@target_options
@click.option(
    "--model",
    default="smollm2",
    show_default=True,
    help="What answers GPT2_INFERENCE first: as exallm model add takes it, or 'none'.",
)
@click.option("--dry-run", is_flag=True, help="Print the SQL and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def install(model: str, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Install exallm: tables, functions, scripts, and a model to begin with.

    Everything in the database happens in one transaction: a failure leaves it as it was. A second
    run changes nothing.

    \b
    Example:
      exallm install --local
      DB_PASSWORD=... BUCKETFS_PASSWORD=... exallm install --dsn db:8563 --db-user sys
    """
    target = target_of(options)
    with target.database.session() as connection:
        if dry_run:
            print_plan(plan_install(connection, target))
            return
        with progress("reading the database") as shown:
            plan, added = install_into(connection, target, model, shown)
    _report(plan, added, as_json)


def install_into(
    connection: Any, target: Target, model: str, shown: Progress, alias: str | None = None
) -> tuple[Plan, AddedModel | None]:
    """Install and commit; on any error the transaction is rolled back with the connection."""
    if target.is_embedded:
        activate_local_language(connection, target.language)
    require_language(connection, target.language)
    plan = plan_install(connection, target)
    apply_plan(connection, plan, lambda step: shown.step(f"installing {step.source}"))
    added = None
    if model != "none":
        request = ModelRequest(model, "qa", alias)
        added = add_model(connection, target, request, shown.step, shown.uploaded)
    connection.commit()
    return plan, added


def print_plan(plan: Plan) -> None:
    """Print the statements of a plan as a script for any SQL client."""
    source = ""
    for step in plan.steps:
        if step.source != source:
            source = step.source
            click.echo(f"-- {source}")
        is_script = " SCRIPT " in step.sql.split("\n")[0] and step.sql.startswith("CREATE")
        click.echo(step.sql + ("\n/" if is_script else ";"))


def _report(plan: Plan, added: AddedModel | None, as_json: bool) -> None:
    if as_json:
        outcome = {
            "migrations": list(plan.migrations),
            "model": added.name if added else None,
            "version": added.version if added else None,
            "model_is_new": added.is_new if added else False,
        }
        click.echo(json.dumps(outcome))
        return
    click.echo(f"migrations applied: {', '.join(plan.migrations) or 'none, all were there'}")
    if added is not None:
        state = "registered" if added.is_new else "was registered already"
        click.echo(f"{added.name} version {added.version} {state}")
