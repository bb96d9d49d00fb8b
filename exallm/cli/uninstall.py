"""``exallm uninstall``: exallm out of a database."""

from __future__ import annotations

import json
from typing import Any

import click

from exallm.cli.progress import progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.target import Target
from exallm.installer.uninstall import (
    UninstallPlan,
    UninstallRequest,
    plan_uninstall,
)
from exallm.installer.uninstall import uninstall as run_plan


@click.command()
@target_options
@click.option("--keep-tables", is_flag=True, help="Keep the schema with its tables.")
@click.option("--keep-files", is_flag=True, help="Keep the model packages in BucketFS.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def uninstall(
    keep_tables: bool, keep_files: bool, yes: bool, as_json: bool, **options: Any
) -> None:
    """Remove exallm: its schema, the functions for analysts, its roles, its model packages.

    Tables that RUN_BATCH has filled are the analysts' and stay. The roles stay while anything else
    uses them. The database changes in one transaction, the files follow.

    \b
    Example:
      exallm uninstall --local
      exallm uninstall --local --keep-tables --keep-files --yes --json
    """
    target = target_of(options)
    with target.database.session() as connection:
        with progress("reading the database") as shown:
            plan = plan_uninstall(connection, target, UninstallRequest(keep_tables, keep_files))
        if not yes:
            _show(target, plan, keep_tables)
            if not click.confirm("remove all this?", err=True):
                raise click.ClickException("nothing was changed")
        with progress("removing exallm") as shown:
            roles = run_plan(connection, target, plan, shown.step)
    _report(target, plan, roles, keep_tables, as_json)


def _show(target: Target, plan: UninstallPlan, keep_tables: bool) -> None:
    kept = ", but for its tables" if keep_tables else ""
    click.echo(f"the schema {target.schema}{kept}", err=True)
    for title, names in (
        ("not made by exallm, goes with the schema", plan.strangers),
        ("function", plan.functions),
        ("package", tuple(package.path for package in plan.packages)),
        ("stays, outside this bucket or another schema's", plan.elsewhere),
    ):
        for name in names:
            click.echo(f"  {title}: {name}", err=True)


def _report(
    target: Target, plan: UninstallPlan, roles: tuple[str, ...], keep_tables: bool, as_json: bool
) -> None:
    packages = [package.path for package in plan.packages]
    if as_json:
        outcome = {
            "schema": target.schema,
            "tables_kept": keep_tables,
            "functions": list(plan.functions),
            "roles": list(roles),
            "packages": packages,
            "elsewhere": list(plan.elsewhere),
        }
        click.echo(json.dumps(outcome))
        return
    what = "all but its tables of" if keep_tables else "the schema"
    click.echo(f"removed {what} {target.schema}, {len(plan.functions)} functions for analysts")
    click.echo(f"removed the roles: {', '.join(roles) or 'none, they are in use'}")
    click.echo(f"removed packages: {', '.join(packages) or 'none'}")
    for path in plan.elsewhere:
        click.echo(f"left {path}")
