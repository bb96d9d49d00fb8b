"""``exallm slc``: the script-language container."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from exallm.cli.progress import progress
from exallm.cli.target_options import DEADLINE_OPTION, target_of, target_options
from exallm.installer.script_languages import SESSION, SYSTEM
from exallm.slc.archive import read_archive
from exallm.slc.deploy import Activation, Deployment, activate_version, deploy, roll_back
from exallm.slc.description import Flavor, container_description
from exallm.slc.own_wheel import own_wheel

F = TypeVar("F", bound=Callable[..., Any])
_MEBIBYTE = 1 << 20

_FLAVOR = click.option(
    "--flavor",
    "flavor_name",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="cpu computes with OpenVINO; cuda with torch too, on an NVIDIA GPU.",
)
_WHEEL = click.option(
    "--wheel",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Wheel of exallm; made of the checkout where there is one.",
)
_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print the outcome as one JSON object."
)
_SCOPE = click.option(
    "--session",
    "scope",
    flag_value=SESSION,
    default=SYSTEM,
    help="Print the statement for your session instead of activating for the system.",
)


@click.group()
def slc() -> None:
    """Build, check, deploy and activate the container that exallm's functions run in.

    \b
    Example:
      exallm slc check
      exallm slc build --embedded
      exallm slc deploy exallm-0.1.0-cpu-embedded.tar.gz --local
    """


@slc.command("build")
@_FLAVOR
@_WHEEL
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="Folder for the container's archive.",
)
@click.option("--embedded", is_flag=True, help="For the embedded engine; needs no Docker.")
def build_command(flavor_name: str, wheel: Path | None, output: Path, embedded: bool) -> None:
    """Build the container of a flavor as one archive.

    \b
    Example:
      exallm slc build --flavor cpu --output dist
    """
    from exallm.slc.build import build_container
    from exallm.slc.embedded import build_embedded
    from exallm.slc.environment import make_environment
    from exallm.slc.layout import require_tool
    from exallm.slc.wheels import read_wheel

    description = container_description()
    flavor = description.flavors[flavor_name]
    require_tool()
    with progress("making the wheel of exallm") as shown, tempfile.TemporaryDirectory() as scratch:
        made = own_wheel(wheel, Path(scratch))
        if embedded:
            environment = make_environment(flavor, description, read_wheel(made), shown.step)
            file = build_embedded(environment, output, shown.step)
        else:
            file = build_container(flavor, description, made, output, shown.step)
    click.echo(f"{file} ({file.stat().st_size // _MEBIBYTE} MiB)")


@slc.command("check")
@_FLAVOR
@_WHEEL
@click.option(
    "--model",
    default="smollm2",
    show_default=True,
    help="Model that the scripts are run with: as exallm model add takes it.",
)
@_JSON
def check_command(flavor_name: str, wheel: Path | None, model: str, as_json: bool) -> None:
    """Check a flavor without Docker: layout, pins, sizes, licences, and every script run on it.

    The flavor cuda is checked without fetching its gigabytes: layout and pins. The exit code is 1
    where something fails.

    \b
    Example:
      exallm slc check --json
    """
    from exallm.slc.check import check_flavor, check_flavor_folder

    description = container_description()
    flavor = description.flavors[flavor_name]
    with progress("making the wheel of exallm") as shown, tempfile.TemporaryDirectory() as scratch:
        made = own_wheel(wheel, Path(scratch))
        if flavor.accelerator is not None:
            check_flavor_folder(flavor, description, made, shown.step)
            outcome: dict[str, Any] = {"flavor": flavor.name, "packages": len(flavor.pins())}
            sound = True
        else:
            checked = check_flavor(flavor, description, made, model, shown.step)
            outcome, sound = (
                _outcome(asdict(checked), checked.compressed_mb, flavor),
                checked.is_sound,
            )
    if as_json:
        click.echo(json.dumps(outcome, default=str))
    else:
        _show_check(outcome)
    if not sound:
        raise SystemExit(1)


@slc.command("deploy")
@click.argument("archive", type=click.Path(path_type=Path))
@click.option(
    "--version",
    help="Names the container's folder, so that several stand side by side; as built without it.",
)
@DEADLINE_OPTION
@_SCOPE
@target_options
@_JSON
def deploy_command(
    archive: Path,
    version: str | None,
    deadline: float,
    scope: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Upload ARCHIVE, wait until it runs on every node, and activate it.

    What is active stays active until then; every other alias stays as it is. Run it again after an
    interruption.

    \b
    Example:
      exallm slc deploy exallm-0.1.0-cpu.tar.gz --dsn db:8563 --db-user sys
    """
    target = target_of(options)
    with progress(f"reading {archive.name}") as shown:
        read = read_archive(archive)
        chosen = version or read.facts.version
        request = Deployment(read, chosen, deadline, scope)
        done = deploy(target, request, shown.step, shown.uploaded)
    _report(done, target.language, scope, as_json)


@slc.command("activate")
@click.argument("version")
@DEADLINE_OPTION
@_SCOPE
@target_options
@_JSON
def activate_command(
    version: str, deadline: float, scope: str, as_json: bool, **options: Any
) -> None:
    """Activate VERSION, which lies in BucketFS already, once every node has answered out of it.

    \b
    Example:
      exallm slc activate 0.1.0-cpu --local
    """
    target = target_of(options)
    with progress("reading the bucket") as shown:
        done = activate_version(target, version, deadline, scope, shown.step)
    _report(done, target.language, scope, as_json)


@slc.command("rollback")
@DEADLINE_OPTION
@target_options
@_JSON
def rollback_command(deadline: float, as_json: bool, **options: Any) -> None:
    """Activate what the alias meant before exallm last changed it.

    \b
    Example:
      exallm slc rollback --local
    """
    target = target_of(options)
    with progress("reading the bucket") as shown:
        done = roll_back(target, deadline, shown.step)
    _report(done, target.language, SYSTEM, as_json)


def _report(done: Activation, language: str, scope: str, as_json: bool) -> None:
    if as_json:
        nodes = [{"node": each.node, **each.report} for each in done.reports]
        outcome = {"alias": language, "url": done.url, "statement": done.statement, "nodes": nodes}
        click.echo(json.dumps(outcome))
        return
    for each in done.reports:
        report = each.report
        gpus = ", ".join(report["gpus"]) or "none"
        flags = " ".join(report["cpu_flags"]) or "none of note"
        click.echo(
            f"node {each.node}: Python {report['python']}, exallm {report['exallm']}, CPU: {flags},"
            f" GPU: {gpus}"
        )
    if scope == SESSION:
        click.echo(f"{done.statement};")
    else:
        click.echo(f"{language} is now {done.path or done.url}")


def _outcome(found: dict[str, Any], compressed_mb: float, flavor: Flavor) -> dict[str, Any]:
    return {**found, "compressed_mb": compressed_mb, "left_out": dict(flavor.left_out)}


def _show_check(outcome: dict[str, Any]) -> None:
    if "scripts" not in outcome:
        click.echo(f"{outcome['flavor']}: layout sound, {outcome['packages']} packages pinned")
        return
    answered = outcome["scripts"] - len(outcome["problems"])
    click.echo(f"scripts        {answered} of {outcome['scripts']} answered")
    click.echo(f"Python         {outcome['python']}")
    for name, problem in outcome["problems"].items():
        click.echo(f"FAILED         {name}: {problem}")
    for part in outcome["parts"]:
        size = part["compressed_bytes"] / _MEBIBYTE
        click.echo(f"{size:8.1f} MiB   {part['name']} {part['version']}, {part['licence']}")
    click.echo(f"{outcome['compressed_mb']:8.1f} MiB   in all")
    for name in outcome["unused"]:
        click.echo(f"UNUSED         {name}")
    click.echo(f"CycloneDX list {outcome['bill']}")
