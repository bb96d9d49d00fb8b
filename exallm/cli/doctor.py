"""``exallm doctor``: what is wrong with an installation."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from exallm.cli.progress import progress
from exallm.cli.target_options import target_of, target_options
from exallm.installer.doctor import FAILED, Finding, diagnose

_WIDTH = 16


@click.command()
@target_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def doctor(as_json: bool, **options: Any) -> None:
    """Check an installation and say what to do about each failure; changes nothing.

    Every node reads every byte of every package. The exit code is 1 where a check fails.

    \b
    Example:
      exallm doctor --local
    """
    target = target_of(options)
    findings = []
    with progress("connecting") as shown:
        for finding in diagnose(target):
            findings.append(finding)
            shown.step(f"checked: {finding.check}")
    failed = sum(finding.state == FAILED for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"failed": failed, "checks": checks}))
    else:
        for finding in findings:
            _show(finding)
    if failed:
        raise SystemExit(1)


def _show(finding: Finding) -> None:
    state = finding.state.upper() if finding.state == FAILED else finding.state
    code = f"{finding.code}: " if finding.code else ""
    click.echo(f"{state:8} {finding.check:{_WIDTH}} {code}{finding.found}")
    if finding.remedy is not None:
        click.echo(f"{'':8} {'':{_WIDTH}} {finding.remedy}")
