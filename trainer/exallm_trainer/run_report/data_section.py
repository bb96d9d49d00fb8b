"""The data card."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from exallm_trainer.data.card import DataCard, SourceCard
from exallm_trainer.evaluate.report import Table
from exallm_trainer.run_report.html import element, table

_SOURCE = (
    "name",
    "kind",
    "place",
    "licence",
    "documents",
    "paragraphs",
    "questions",
    "pairs",
    "sha256",
)
_SYNTHETIC = ("name", "written by", "prompt", "from", "to", "answered again by")


def data_section(card: DataCard | None) -> Element:
    """What the data were made from, and what was left out."""
    section = element("section", element("h2", "Data"))
    if card is None:
        section.append(element("p", "The run has no data card.", class_="note"))
        return section
    sides = (("train", card.train), ("validation", card.validation))
    splits = tuple(
        (name, f"{side.documents:,}", f"{side.examples:,}", f"{side.texts:,}", f"{side.pairs:,}")
        for name, side in sides
    )
    dropped = tuple(
        (entry.unit, entry.source, entry.reason, f"{entry.count:,}") for entry in card.dropped
    )
    settings = tuple((name, str(value)) for name, value in card.settings.items())
    tables = (
        Table("Sources", _SOURCE, _sources(card.sources)),
        Table("Sources that a model wrote", _SYNTHETIC, _synthetic(card.sources)),
        Table("Held-out sets", _SOURCE, _sources(card.held_out)),
        Table("Splits", ("split", "documents", "examples", "texts", "pairs"), splits),
        Table("Left out", ("of", "source", "reason", "count"), dropped),
        Table("Settings of the preparation", ("setting", "value"), settings),
    )
    section.extend(table(each) for each in tables if each.rows)
    return section


def _sources(cards: Sequence[SourceCard]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            card.name,
            card.kind,
            card.location,
            card.licence or "not stated",
            f"{card.documents:,}",
            f"{card.paragraphs:,}",
            f"{card.questions:,}",
            f"{card.pairs:,}",
            card.sha256[:12],
        )
        for card in cards
    )


def _synthetic(cards: Sequence[SourceCard]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            card.name,
            str(card.synthetic["generator"]["name"]),
            str(card.synthetic["prompt_version"]),
            str(card.synthetic["first_generated_at"]),
            str(card.synthetic["last_generated_at"]),
            "nobody" if card.synthetic["second"] is None else str(card.synthetic["second"]["name"]),
        )
        for card in cards
        if card.synthetic is not None
    )
