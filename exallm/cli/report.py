"""``exallm report``: a run as one HTML file."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("run", type=_FOLDER)
@click.option(
    "--evaluation",
    "evaluations",
    type=_FOLDER,
    multiple=True,
    help="A folder of exallm evaluate --out. May be repeated.",
)
@click.option(
    "--economics",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of exallm economics --out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file; report.html in RUN if it is not named.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the file's name as a JSON object.")
def report(
    run: Path,
    evaluations: tuple[Path, ...],
    economics: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make one HTML file of RUN, a folder of exallm train, that needs nothing beside it.

    It shows recipe, data card, curves and checkpoints, and of what is named: answers side by side,
    slices, failures, groups, and what it all costs. It may be printed.

    \b
    Example:
      exallm report runs/qa --evaluation evaluations/qa --economics cost.json --out qa.html
    """
    from exallm_trainer.run_report.run_report import ReportRequest, write_report

    file = run / "report.html" if out is None else out
    write_report(ReportRequest(run, evaluations, economics), file)
    click.echo(json.dumps({"report": str(file)}) if as_json else f"written to {file}")
