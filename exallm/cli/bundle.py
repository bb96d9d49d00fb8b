"""``exallm bundle``: an installation as one file, for databases without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from exallm.bundle.create import BundleRequest, create_bundle
from exallm.bundle.install import InstalledBundle, install_bundle
from exallm.cli.progress import progress
from exallm.cli.target_options import DEADLINE_OPTION, target_of, target_options

_MEBIBYTE = 1 << 20


@click.group()
def bundle() -> None:
    """Carry container, SQL and models to a database without a network, as one file.

    \b
    Example:
      exallm bundle create exallm.bundle --container exallm-0.1.0-cpu.tar.gz
      exallm bundle install exallm.bundle --dsn db:8563 --db-user sys
    """


@bundle.command("create")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--container",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Archive that exallm slc build has made.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Source of a version, as exallm model add takes it; may be repeated.",
)
@click.option(
    "--package",
    "packages",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder that exallm package has made; may be repeated.",
)
@click.option("--name", default="qa", show_default=True, help="Model that --model gives versions.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def create_command(
    file: Path,
    container: Path,
    models: tuple[str, ...],
    packages: tuple[Path, ...],
    name: str,
    as_json: bool,
) -> None:
    """Write FILE with a container, the SQL of this exallm, models, and the hash of each.

    \b
    Example:
      exallm bundle create exallm.bundle --container exallm-0.1.0-cpu.tar.gz --model smollm2
    """
    request = BundleRequest(container, models, packages, name)
    with progress("reading the container") as shown:
        listing = create_bundle(request, file, shown.step)
    if as_json:
        click.echo(json.dumps({"file": str(file), "files": len(listing.files)}))
    else:
        size = file.stat().st_size // _MEBIBYTE
        click.echo(f"{file}: {len(listing.files)} files, {size} MiB")


@bundle.command("install")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DEADLINE_OPTION
@target_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def install_command(file: Path, deadline: float, as_json: bool, **options: Any) -> None:
    """Check FILE byte by byte, deploy its container, install its SQL and register its models.

    It needs no network but the database and its BucketFS. Run it again after an interruption.

    \b
    Example:
      exallm bundle install exallm.bundle --local
    """
    target = target_of(options)
    with progress(f"reading {file.name}") as shown:
        done = install_bundle(target, file, deadline, shown.step, shown.uploaded)
    _report(done, as_json)


def _report(done: InstalledBundle, as_json: bool) -> None:
    if as_json:
        models = [{"model": each.name, "version": each.version} for each in done.models]
        outcome = {
            "container": done.container.path,
            "migrations": list(done.migrations),
            "models": models,
        }
        click.echo(json.dumps(outcome))
        return
    click.echo(f"container {done.container.path}")
    click.echo(f"migrations applied: {', '.join(done.migrations) or 'none, all were there'}")
    for each in done.models:
        state = "registered" if each.is_new else "was registered already"
        click.echo(f"{each.name} version {each.version} {state}")
