"""A sweep as a table and a chart."""

from __future__ import annotations

from exallm_trainer.chart import Chart, Line
from exallm_trainer.evaluate.report import Table
from exallm_trainer.sweep.sweep_record import Look, SweepRecord, TrialRecord

_LINES = 4


def sweep_table(record: SweepRecord) -> Table:
    """A row a trial, the best first."""
    names = list(record.trials[0].settings)
    has_exact = _has_exact(record)
    figure = "to the letter, %" if has_exact else "validation loss"
    columns = ("trial", *names, figure, "step", "state", "seconds")
    rows = tuple(
        (
            f"{trial.number}" + (" (the recipe's own)" if trial.number == 0 else ""),
            *(_text(trial.settings[name]) for name in names),
            "" if trial.best is None else f"{_figure(trial.best, has_exact):.4g}",
            "" if trial.best is None else f"{trial.best.step}",
            trial.state,
            f"{trial.seconds:.0f}",
        )
        for trial in record.ranked()
    )
    return Table("Trials, the best first", columns, rows)


def sweep_chart(record: SweepRecord) -> Chart:
    """Looks of the best trials over the samples that they had trained on, and of the first one.

    At least one trial has a look.
    """
    has_exact = _has_exact(record)
    shown = [trial for trial in record.ranked() if trial.best is not None][:_LINES]
    first = record.trials[0]
    if first not in shown and first.best is not None:
        shown[-1] = first
    return Chart(
        "The best trials",
        "samples trained on",
        "% of the validation answers to the letter" if has_exact else "validation loss",
        tuple(
            Line(_name(trial), [(look.samples, _figure(look, has_exact)) for look in trial.looks])
            for trial in shown
        ),
    )


def _has_exact(record: SweepRecord) -> bool:
    return any(look.exact is not None for trial in record.trials for look in trial.looks)


def _figure(look: Look, has_exact: bool) -> float:
    return 100 * (look.exact or 0.0) if has_exact else look.loss


def _name(trial: TrialRecord) -> str:
    return "the recipe's own" if trial.number == 0 else f"trial {trial.number}"


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
