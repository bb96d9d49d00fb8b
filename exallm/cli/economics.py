"""``exallm economics``: hosted calls against a model of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exallm_trainer.economics.economics import Economics
    from exallm_trainer.economics.inputs import Quality

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--runs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rows of the table RUNS as .csv or .json: tokens a row and rows a second.",
)
@click.option("--prompt-tokens", type=float, help="Tokens a row that are read, instead of --runs.")
@click.option("--completion-tokens", type=float, help="Tokens a row that are written.")
@click.option("--rows-per-second", type=float, help="Of the machine that serves.")
@click.option(
    "--hosted-prompt-tokens",
    type=float,
    help="Tokens a row that the hosted model reads, where its prompt is another one.",
)
@click.option(
    "--training-run",
    "training_runs",
    type=_FOLDER,
    multiple=True,
    help="Run folder whose hours count. May be repeated.",
)
@click.option("--training-hours", "hours", type=float, help="Hours, instead of --training-run.")
@click.option(
    "--busy-share",
    type=float,
    default=1.0,
    show_default=True,
    help="Share of the paid time in which the serving machine computes.",
)
@click.option("--hosted-input", type=float, required=True, help="Price of a million tokens read.")
@click.option(
    "--hosted-output", type=float, required=True, help="Price of a million tokens written."
)
@click.option("--machine", type=float, required=True, help="Price of an hour of serving.")
@click.option(
    "--training-machine", type=float, help="Price of an hour of training, if it is another one."
)
@click.option("--labour", type=float, required=True, help="Cost of people; 0 if none.")
@click.option("--rows", type=int, help="Rows that are expected while the model is in use.")
@click.option("--goal", type=float, help="A figure, such as F1, that is good enough.")
@click.option("--prompting-quality", type=float, help="That figure of a model without training.")
@click.option("--tuned-quality", type=float, help="That figure of the tuned model.")
@click.option("--plot", type=_FILE, help="Write the cost curves there, as SVG.")
@click.option("--out", type=_FILE, help="Write every figure there, as JSON, for exallm report.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as one JSON object.")
def economics(
    runs: Path | None,
    prompt_tokens: float | None,
    completion_tokens: float | None,
    rows_per_second: float | None,
    hosted_prompt_tokens: float | None,
    training_runs: tuple[Path, ...],
    hours: float | None,
    busy_share: float,
    hosted_input: float,
    hosted_output: float,
    machine: float,
    training_machine: float | None,
    labour: float,
    rows: int | None,
    goal: float | None,
    prompting_quality: float | None,
    tuned_quality: float | None,
    plot: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say from how many rows on tuning pays, or that it does not.

    Prices are of one currency, and yours: exallm knows none.

    \b
    Example:
      exallm economics --runs runs.csv --training-run runs/qa --hosted-input 0.15 \\
        --hosted-output 0.60 --machine 0.40 --labour 800 --rows 5000000 --plot cost.svg
    """
    from exallm_trainer.chart import svg
    from exallm_trainer.economics.economics import economics as compute
    from exallm_trainer.economics.inputs import Prices, Use

    read, written, rate = _measured(runs, prompt_tokens, completion_tokens, rows_per_second)
    use = Use(
        prompt_tokens=read,
        completion_tokens=written,
        hosted_prompt_tokens=read if hosted_prompt_tokens is None else hosted_prompt_tokens,
        rows_per_second=rate,
        training_hours=_hours(training_runs, hours),
        busy_share=busy_share,
    )
    trained_on = machine if training_machine is None else training_machine
    prices = Prices(hosted_input, hosted_output, machine, trained_on, labour)
    quality = _quality(goal, prompting_quality, tuned_quality)
    found = compute(prices, use, rows, quality)
    if plot is not None:
        _write(plot, svg(found.chart()))
    if out is not None:
        _write(out, json.dumps(found.values(), indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(found.values()))
        return
    _show(found)


def _measured(
    runs: Path | None, read: float | None, written: float | None, rate: float | None
) -> tuple[float, float, float]:
    """Tokens read and written a row, and rows a second; an option wins over the file."""
    from exallm_trainer.economics.measured import read_batch_runs

    if runs is not None:
        found = read_batch_runs(runs)
        read = found.prompt_tokens if read is None else read
        written = found.completion_tokens if written is None else written
        rate = found.rows_per_second if rate is None else rate
    if read is None:
        raise _missing("--prompt-tokens", "--runs")
    if written is None:
        raise _missing("--completion-tokens", "--runs")
    if rate is None:
        raise _missing("--rows-per-second", "--runs")
    return read, written, rate


def _hours(runs: tuple[Path, ...], hours: float | None) -> float:
    from exallm_trainer.economics.measured import training_hours

    if runs and hours is not None:
        raise click.UsageError("--training-run and --training-hours exclude each other")
    if hours is not None:
        return hours
    if not runs:
        raise _missing("--training-hours", "--training-run")
    return training_hours(runs)


def _quality(goal: float | None, prompting: float | None, tuned: float | None) -> Quality | None:
    from exallm_trainer.economics.inputs import Quality

    if goal is None and prompting is None and tuned is None:
        return None
    if goal is None or prompting is None:
        name = "--goal" if goal is None else "--prompting-quality"
        raise click.UsageError(f"{name} is missing: give the goal and what prompting reaches")
    return Quality(goal, prompting, tuned)


def _missing(option: str, source: str) -> click.UsageError:
    return click.UsageError(f"{option} is missing: give it, or {source}")


def _write(file: Path, text: str) -> None:
    from exallm_trainer.run_folder import write_whole

    try:
        write_whole(file, text)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error


def _show(found: Economics) -> None:
    from exallm_trainer.economics.advice import money

    click.echo(f"a row hosted          {money(found.hosted_row)}")
    click.echo(f"a row of an own model {money(found.own_row)}")
    click.echo(
        f"before the first row  {money(found.training_cost + found.labour_cost)}"
        f" ({money(found.training_cost)} training, {money(found.labour_cost)} labour)"
    )
    click.echo(
        "crossover             none"
        if found.crossover is None
        else f"crossover             {found.crossover:,} rows"
    )
    click.echo(f"{found.advice.answer}:")
    for reason in found.advice.reasons:
        click.echo(f"  {reason}")
