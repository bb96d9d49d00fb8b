"""What was run, by which recipe, and how it went step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from exallm_trainer.chart import Chart, Line, Mark, Points
from exallm_trainer.evaluate.report import Table
from exallm_trainer.run_report.html import element, figure, table
from exallm_trainer.train.run_record import RunRecord

# More points than these say nothing more on a page; each is the mean of the steps up to it.
_POINTS = 200


def run_section(name: str, record: RunRecord) -> Element:
    """Which run this is and how it ended."""
    told = [f"{record.state} after {record.steps:,} steps and {_duration(record.seconds)}"]
    if record.reason:
        told.append(record.reason)
    if (best := record.best_told()) is not None:
        told.append(f"best at step {record.best_step:,}, with {best}")
    rows = [
        ("run", record.run_id),
        ("began", record.started_at),
        ("ended", record.ended_at or ""),
        ("base", record.base or "random weights"),
        ("sha256 of the base", record.base_sha256),
        ("its commit on the Hub", record.base_commit),
        ("sha256 of the adapter it began from", record.adapter_sha256),
        ("sha256 of the tokenizer", record.tokenizer_sha256),
        ("sha256 of the data", record.data_sha256),
        ("sha256 of the former data", record.former_sha256),
        (
            "examples",
            f"{record.examples:,} to train on, {record.validation_examples:,} to validate",
        ),
        ("of them former ones", f"{record.former_texts:,}" if record.former_sha256 else ""),
        ("left out, too long", f"{record.left_out:,}"),
        ("computed on", f"{record.device}, {record.precision}" if record.device else ""),
        ("versions", ", ".join(f"{name} {text}" for name, text in record.versions.items())),
    ]
    return element(
        "section",
        element("h1", f"Run {name}"),
        element("p", _sentence(told[0]), class_="answer"),
        *(element("p", _sentence(each)) for each in told[1:]),
        table(Table("The run", ("what", "value"), tuple(row for row in rows if row[1]))),
    )


def recipe_section(record: RunRecord) -> Element:
    """Every setting of the recipe."""
    rows = tuple((name, _text(value)) for name, value in _flat(record.recipe, ""))
    return element("section", element("h2", "Recipe"), table(Table("Settings", _PAIR, rows)))


def curves_section(record: RunRecord, metrics: Sequence[Mapping[str, Any]]) -> Element:
    """Loss and validation over the steps, and every checkpoint that was judged."""
    section = element("section", element("h2", "Training"))
    judged = [line for line in metrics if "validation_loss" in line]
    charts = _charts(record, metrics, judged)
    if not any(chart.drawn() for chart in charts):
        section.append(element("p", "No step is recorded.", class_="note"))
    section.extend(figure(chart) for chart in charts if chart.drawn())
    if judged:
        section.append(table(_checkpoints(record, judged)))
    return section


_PAIR = ("setting", "value")


@dataclass(frozen=True)
class _Judgement:
    """A figure of the validation split as a column shows it."""

    figure: str
    title: str
    factor: float
    digits: int

    def text(self, line: Mapping[str, Any]) -> str:
        if self.figure not in line:
            return ""
        return f"{self.factor * line[self.figure]:.{self.digits}f}"


_JUDGEMENTS = (
    _Judgement("validation_loss", "validation loss", 1, 4),
    _Judgement("validation_exact", "to the letter, %", 100, 1),
    _Judgement("validation_bits_per_byte", "bits a byte", 1, 3),
    _Judgement("validation_preferred", "preferred, %", 100, 1),
    _Judgement("validation_margin", "reward margin", 1, 3),
)


def _charts(
    record: RunRecord,
    metrics: Sequence[Mapping[str, Any]],
    judged: Sequence[Mapping[str, Any]],
) -> list[Chart]:
    best = (Mark(record.best_step, f"best: {record.best_step:,}"),) if record.best_step else ()
    losses = (
        Line("training", _thinned(_points(metrics, "loss"))),
        Line("validation", _points(judged, "validation_loss")),
    )
    exact, preferred = (
        Line("validation", [(x, 100 * y) for x, y in _points(judged, f"validation_{name}")])
        for name in ("exact", "preferred")
    )
    bits = Line("validation", _points(judged, "validation_bits_per_byte"))
    margin = Line("validation", _points(judged, "validation_margin"))
    rate = Line("learning rate", _thinned(_points(metrics, "learning_rate")))
    return [
        Chart("Loss, in nats", "step", "loss", losses, best),
        Chart("Answers to the letter", "step", "% of answers", (exact,), best),
        Chart("Bits for a byte of text", "step", "bits", (bits,), best),
        Chart(
            "Pairs whose chosen completion has the higher reward", "step", "%", (preferred,), best
        ),
        Chart("Reward margin of the pairs", "step", "margin", (margin,), best),
        Chart("Learning rate", "step", "rate", (rate,)),
    ]


def _points(lines: Sequence[Mapping[str, Any]], name: str) -> Points:
    return [(float(line["step"]), float(line[name])) for line in lines if name in line]


def _thinned(points: Points) -> Points:
    """At most so many points as a page shows, each the mean of those that it stands for."""
    size = -(-len(points) // _POINTS)
    if size < 2:
        return points
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def _checkpoints(record: RunRecord, judged: Sequence[Mapping[str, Any]]) -> Table:
    judgements = [each for each in _JUDGEMENTS if any(each.figure in line for line in judged)]
    rows = tuple(
        (
            f"{line['step']:,}",
            *(each.text(line) for each in judgements),
            "best" if line["step"] == record.best_step else "",
        )
        for line in judged
    )
    columns = ("step", *(each.title for each in judgements), "")
    return Table("Checkpoints judged", columns, rows)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text(value: object) -> str:
    return "none" if value is None or value == "" else str(value)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
