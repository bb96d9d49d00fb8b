"""``exallm train``: a recipe, data, and a run folder."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from exallm.cli.opened_model import opened_model
from exallm.cli.trainer_extra import require_trainer
from exallm.cli.training_options import (
    ADAPTER_OPTION,
    BASE_OPTION,
    FORMER_OPTION,
    PREPARED_OPTION,
    TOKENIZER_OPTION,
)

if TYPE_CHECKING:
    from exallm_trainer.train.report import StepReport
    from exallm_trainer.train.run_record import RunRecord


@click.command()
@click.argument("recipe")
@PREPARED_OPTION
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Run folder."
)
@BASE_OPTION
@ADAPTER_OPTION
@TOKENIZER_OPTION
@FORMER_OPTION
@click.option(
    "--max-minutes", type=click.FloatRange(0, min_open=True), help="Stop cleanly after so long."
)
@click.option(
    "--tracker",
    type=click.Choice(["tensorboard", "trackio"]),
    help="Send every figure there, too.",
)
@click.option("--cpu", is_flag=True, help="Compute on the CPU even where there is an accelerator.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def train(
    recipe: str,
    data: Path,
    out: Path,
    base: str | None,
    adapter: Path | None,
    tokenizer: Path | None,
    former: Path | None,
    max_minutes: float | None,
    tracker: str | None,
    cpu: bool,
    as_json: bool,
) -> None:
    """Train by RECIPE: lora, finetune, dpo, span, scratch, continue, or a recipe file of your own.

    The same command continues a run that was stopped or killed. Every figure goes into
    metrics.jsonl, the checkpoint that validation chose into best, both in the run folder.

    \b
    Example:
      exallm train lora --data DATA --out runs/qa --max-minutes 60
      exallm train scratch --tokenizer tokenizers/own --data DATA --out runs/scratch
    """
    require_trainer()
    recipes = import_module("exallm_trainer.recipe")
    chosen = recipes.read_recipe(recipes.recipe_file(recipe))
    read_prepared = import_module("exallm_trainer.data.prepared").read_prepared
    prepared = read_prepared(data)
    run = import_module("exallm_trainer.train.train").train
    run_folder = import_module("exallm_trainer.run_folder").RunFolder(out)
    request = import_module("exallm_trainer.train.request").TrainRequest(
        recipe=chosen,
        base=opened_model(base or chosen.base),
        named_base=base,
        data=prepared,
        adapter=adapter,
        tokenizer=tokenizer,
        former=None if former is None else read_prepared(former),
        tokens=data / "tokens",
        max_minutes=max_minutes,
        tracker=tracker,
        cpu=cpu,
    )
    with _Shown() as shown:
        record = run(request, run_folder, shown.step)
    click.echo(json.dumps(record.values()) if as_json else _told(record))


def _told(record: RunRecord) -> str:
    return (
        f"{record.state} after {record.steps} steps and {record.seconds:.0f} s; best at step"
        f" {record.best_step}: {record.best_told()}"
    )


class _Shown:
    """A bar with loss, tokens a second and time left; a pipe sees nothing."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("training", total=None, figures="loading")

    def __enter__(self) -> _Shown:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def step(self, report: StepReport) -> None:
        rate = report.example_tokens / report.step_seconds
        figures = (
            f"loss {report.loss:.3f}  {rate:,.0f} tokens/s  {report.seconds_left / 60:.0f} min"
        )
        self._progress.update(
            self._task, completed=report.step, total=report.total_steps, figures=f"{figures} left"
        )
        if report.validation is not None:
            self._progress.console.print(
                f"step {report.step}, validation: {report.validation.told()}"
            )
