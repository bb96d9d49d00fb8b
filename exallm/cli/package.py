"""``exallm package``: a run of the trainer becomes a model package."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exallm.cli.progress import progress
from exallm.home import exallm_home
from exallm.installer.packaging import PackageRequest, package_run
from exallm.installer.target import DEFAULT_SCHEMA


@click.command("package")
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--name", default="qa", show_default=True, help="Model of the registry.")
@click.option("--version", type=click.IntRange(1), required=True, help="Its version; never reused.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="New folder for the package."
)
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The GGUF that an adapter was trained on; SmolLM2 need not be named.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Prepared data: measures on its validation split what merging and 8 bits cost in F1.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Questions of that measurement.",
)
@click.option("--schema", default=DEFAULT_SCHEMA, show_default=True, help="Of exallm's objects.")
@click.option(
    "--bucket",
    default="/buckets/bfsdefault/default",
    show_default=True,
    help="Where the package will lie, as UDFs see it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def package_command(
    run: Path,
    name: str,
    version: int,
    out: Path,
    base: Path | None,
    data: Path | None,
    rows: int,
    schema: str,
    bucket: str,
    as_json: bool,
) -> None:
    """Make a model package of RUN, a folder of exallm train, and the SQL that registers it.

    An adapter is merged, and the merge compared with base plus adapter value by value.

    \b
    Example:
      exallm package runs/qa --version 2 --out packages/qa-v2
      exallm model register packages/qa-v2/package --local
    """
    request = PackageRequest(run, name, version, out, base, data, rows, schema, bucket)
    with progress("reading the run") as shown:
        made = package_run(request, exallm_home() / "models", shown.step)
    if as_json:
        click.echo(json.dumps(made.values()))
        return
    click.echo(f"{name} version {version}: {made.package}, {made.bytes / 1e6:.0f} MB")
    if made.f1_difference is not None:
        click.echo(f"F1 of the package minus that of the checkpoint: {made.f1_difference:+.2f}")
    click.echo(f"to register it: exallm model register {made.package}")
    click.echo(f"or upload the folder and run {made.script}")
