"""``exallm sweep``: a recipe with ranges, and the settings that validation likes best."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exallm.cli.opened_model import opened_model
from exallm.cli.progress import progress
from exallm.cli.screen_table import print_table
from exallm.cli.trainer_extra import require_trainer
from exallm.cli.training_options import (
    ADAPTER_OPTION,
    BASE_OPTION,
    FORMER_OPTION,
    PREPARED_OPTION,
    TOKENIZER_OPTION,
)

if TYPE_CHECKING:
    from exallm_trainer.sweep.sweep_record import SweepRecord, TrialRecord
    from exallm_trainer.train.report import StepReport


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@PREPARED_OPTION
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the sweep; each trial is a run folder in it.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    required=True,
    help="For all trials together, over every call for the folder.",
)
@BASE_OPTION
@ADAPTER_OPTION
@TOKENIZER_OPTION
@FORMER_OPTION
@click.option("--seed", type=int, default=0, show_default=True, help="Another one tries others.")
@click.option("--cpu", is_flag=True, help="Compute on the CPU even where there is an accelerator.")
@click.option("--json", "as_json", is_flag=True, help="Print sweep.json and the best run folder.")
def sweep(
    recipe: Path,
    data: Path,
    out: Path,
    minutes: float,
    base: str | None,
    adapter: Path | None,
    tokenizer: Path | None,
    former: Path | None,
    seed: int,
    cpu: bool,
    as_json: bool,
) -> None:
    """Try settings from the ranges of RECIPE, a recipe file with a section sweep.

    The first trial has the recipe's own settings. A trial that is worse than others were after as
    much training is ended early. Trials are judged by the validation split alone. The same command
    goes on where it was stopped or killed, and with more minutes it goes on longer.

    \b
    Example:
      exallm sweep sweep.toml --data data/qa --out sweeps/qa --minutes 60
    """
    require_trainer("optuna")
    chosen = import_module("exallm_trainer.sweep.sweep_recipe").read_sweep_recipe(recipe)
    core = import_module("exallm_trainer.sweep.sweep")
    read_prepared = import_module("exallm_trainer.data.prepared").read_prepared
    request = core.SweepRequest(
        sweep=chosen,
        start=import_module("exallm_trainer.train.request").TrainRequest(
            recipe=chosen.recipe,
            base=opened_model(base or chosen.recipe.base),
            named_base=base,
            data=read_prepared(data),
            adapter=adapter,
            tokenizer=tokenizer,
            former=None if former is None else read_prepared(former),
            tokens=data / "tokens",
            cpu=cpu,
        ),
        minutes=minutes,
        seed=seed,
    )
    with progress("loading") as shown:
        record = core.run_sweep(request, out, lambda *step: shown.step(_told(*step)))
    if as_json:
        click.echo(json.dumps({**record.values(), "best": str(_best(record, out))}))
    else:
        _show(record, out)


def _show(record: SweepRecord, out: Path) -> None:
    print_table(import_module("exallm_trainer.sweep.sweep_report").sweep_table(record))
    chart = import_module("exallm_trainer.sweep.sweep").CHART_FILE
    click.echo(f"the best: {_best(record, out)}; the chart: {out / chart}")


def _told(trial: TrialRecord, report: StepReport) -> str:
    return (
        f"trial {trial.number}: step {report.step} of {report.total_steps}, loss {report.loss:.3f}"
    )


def _best(record: SweepRecord, out: Path) -> Path:
    assert record.best is not None, "a sweep without a good trial is an error"
    return out / record.best.folder
