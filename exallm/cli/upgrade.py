"""``exallm upgrade``: an installation moved to the schema of this exallm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from exallm.cli.install import print_plan
from exallm.cli.progress import progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.install import Plan, require_language
from exallm.installer.upgrade import apply_upgrade, plan_upgrade


@click.command()
@target_options
@click.option("--dry-run", is_flag=True, help="Print the SQL and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def upgrade(dry_run: bool, as_json: bool, **options: Any) -> None:
    """Bring what is installed to the state of this exallm and keep all data.

    Migrations that have not run yet, then every function and script, then the compiled registry and
    the rights, in one transaction. Models stay as they are.

    \b
    Example:
      exallm upgrade --local --dry-run
      exallm upgrade --local
    """
    target = target_of(options)
    with target.database.session() as connection:
        if dry_run:
            print_plan(plan_upgrade(connection, target))
            return
        with progress("reading the database") as shown:
            require_language(connection, target.language)
            plan = plan_upgrade(connection, target)
            rows = apply_upgrade(
                connection, target, plan, lambda step: shown.step(f"installing {step.source}")
            )
            connection.commit()
    _report(plan, rows, as_json)


def _report(plan: Plan, rows: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"migrations": list(plan.migrations), "rows": dict(rows)}))
        return
    click.echo(f"migrations applied: {', '.join(plan.migrations) or 'none, all were there'}")
    kept = ", ".join(f"{table} {count}" for table, count in rows.items() if count)
    click.echo(f"functions, scripts and registry made again; rows: {kept}")
