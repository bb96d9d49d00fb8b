"""``exallm data pairs``: preference pairs from what a model answered wrongly."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import click

from exallm.cli.trainer_extra import require_trainer

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command("pairs")
@click.argument("evaluations", type=_FOLDER, nargs=-1, required=True, metavar="EVALUATION...")
@click.option(
    "--data",
    type=_FOLDER,
    required=True,
    help="The folder of exallm data prepare whose questions were asked.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="New .jsonl file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def pairs_command(evaluations: tuple[Path, ...], data: Path, out: Path, as_json: bool) -> None:
    """Make preference pairs from the wrong answers in EVALUATION, a folder of exallm evaluate.

    Name one of training questions and one of validation questions: their pairs stay on their sides.

    The right answer is chosen, the model's own is rejected. Questions of a held-out set are never
    taken.

    \b
    Example:
      exallm evaluate runs/qa --data train:DATA --rows 2000 --out errors/train
      exallm evaluate runs/qa --data DATA --out errors/validation
      exallm data pairs errors/train errors/validation --data DATA --out pairs.jsonl
      exallm data prepare --source pairs:pairs.jsonl --out PAIRS
    """
    require_trainer()
    if out.exists() or out.suffix != ".jsonl":
        raise click.UsageError(f"{out} is not a new .jsonl file")
    read = import_module("exallm_trainer.evaluate.evaluation_folder").read_evaluation
    made = import_module("exallm_trainer.evaluate.error_pairs").pairs_from_errors(
        [read(evaluation).evaluation for evaluation in evaluations],
        import_module("exallm_trainer.data.prepared").read_prepared(data),
    )
    try:
        import_module("exallm_trainer.preference_pair").write_pairs(out, made.pairs)
    except OSError as error:
        raise click.UsageError(f"{out} cannot be written: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps({"pairs": len(made.pairs), "passed_over": made.passed_over}))
        return
    click.echo(f"{len(made.pairs)} pairs written to {out}")
    for reason, count in made.passed_over.items():
        click.echo(f"passed over {count}: {reason}")
    click.echo(f"to train on them: exallm data prepare --source pairs:{out} --out PAIRS")
