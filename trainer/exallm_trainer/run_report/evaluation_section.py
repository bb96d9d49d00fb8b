"""Evaluations: scores, questions side by side, slices, failures and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.evaluation_folder import ReadEvaluation
from exallm_trainer.evaluate.report import Table, every_pair, tables_of
from exallm_trainer.run_report.html import element, table

_PAIRS = 1000


def recorded_section(recorded: Sequence[Mapping[str, Any]]) -> Element:
    """The figures that stand in the run folder and go into its package."""
    section = element("section", element("h2", "Recorded figures"))
    if not recorded:
        section.append(element("p", "None is recorded in the run folder.", class_="note"))
    for figures in recorded:
        name = str(figures.get("data", figures.get("measurement", "figures")))
        rows = tuple((str(figure), str(value)) for figure, value in figures.items())
        section.append(table(Table(name, ("figure", "value"), rows)))
    return section


def evaluation_section(read: ReadEvaluation) -> Element:
    """All tables of an evaluation, and every question where two models were asked."""
    evaluation, base, comparison = read.evaluation, read.base, read.comparison
    section = element("section", element("h2", f"{evaluation.model} on {evaluation.data}"))
    section.append(_how(evaluation))
    if base is not None:
        section.append(_how(base))
    section.extend(table(each) for each in tables_of(evaluation, base, comparison))
    if comparison is not None:
        every = every_pair(comparison, _PAIRS)
        if every is not None:
            section.append(table(every))
    section.append(
        element(
            "p",
            "Figures are in points of 100; in brackets 95% bootstrap intervals, of gains paired."
            " ✓ is an F1 of 100, ✗ one of 0.",
            class_="note",
        )
    )
    return section


def _how(evaluation: Evaluation) -> Element:
    computed = evaluation.computed
    told = f"{evaluation.model}: evaluated at {evaluation.evaluated_at}"
    if computed is None:
        return element("p", f"{told}; its answers were given.", class_="note")
    told += (
        f"; weights {computed.sha256[:12]}, {computed.precision} on {computed.device},"
        f" {computed.way()}, {computed.seconds:.0f} s."
    )
    return element("p", told, class_="note")
