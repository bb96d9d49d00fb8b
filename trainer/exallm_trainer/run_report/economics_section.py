"""What hosted calls cost against the model of the run."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from exallm_trainer.economics.advice import money
from exallm_trainer.economics.cost import exact
from exallm_trainer.economics.economics import Economics
from exallm_trainer.evaluate.report import Table
from exallm_trainer.run_report.html import element, figure, table


def economics_section(found: Economics) -> Element:
    """Answer, reasons, curve, and every figure that they follow from."""
    section = element("section", element("h2", "Economics"))
    section.append(element("p", f"{found.advice.answer.capitalize()}.", class_="answer"))
    section.append(element("ul", *(element("li", reason) for reason in found.advice.reasons)))
    chart = found.chart()
    if chart.drawn():
        section.append(figure(chart))
    amounts = {
        "a row hosted": found.hosted_row,
        "a row of an own model": found.own_row,
        "training": found.training_cost,
        "labour": found.labour_cost,
    }
    rows = [(name, money(exact(amount))) for name, amount in amounts.items()]
    rows.append(("crossover, rows", "none" if found.crossover is None else f"{found.crossover:,}"))
    section.append(table(Table("Cost", ("what", "amount"), tuple(rows))))
    given = {**vars(found.prices), **vars(found.use)}
    inputs = tuple((name.replace("_", " "), f"{value:g}") for name, value in given.items())
    section.append(table(Table("Prices and measurements", ("what", "value"), inputs)))
    return section
