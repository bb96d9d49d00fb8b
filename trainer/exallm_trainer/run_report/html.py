"""HTML as a tree of elements, so that whatever is shown in it is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from exallm_trainer.chart import Chart, svg
from exallm_trainer.data.document import writable
from exallm_trainer.evaluate.report import Table

_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_NUMBER = re.compile(r"[-+]?[\d,.]+%?( \[[-\d., ]+\])?")
# Nothing may be fetched and nothing run, whatever a browser takes a text for.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2.2rem;
  border-bottom: 1px solid #bbb; } h3 { font-size: 1rem; margin: 1.4rem 0 0.3rem; }
h1, h2, h3 { line-height: 1.25; break-after: avoid; }
table { border-collapse: collapse; font-size: 0.86rem; margin: 0.3rem 0 1rem; }
th, td { border-bottom: 1px solid #ddd; padding: 0.2rem 0.9rem 0.2rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; white-space: pre-line; }
th { border-bottom: 1px solid #888; font-weight: 600; overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.text { min-width: 4rem; }
figure { margin: 0.5rem 0 1rem; max-width: 42rem; break-inside: avoid; } svg { width: 100%; }
figcaption { font-weight: 600; }
p.note { color: #555; font-size: 0.86rem; } p.answer { font-size: 1.15rem; font-weight: 600; }
@page { margin: 16mm 14mm; }
@media print {
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  table { font-size: 8pt; } thead { display: table-header-group; } tr { break-inside: avoid; }
}
"""


def element(tag: str, *children: Element | str, **attributes: str) -> Element:
    """An element with texts and elements in their order; ``class_`` is its class."""
    made = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + _shown(child)
        else:
            last.tail = (last.tail or "") + _shown(child)
    return made


def page(title: str, body: Iterable[Element]) -> str:
    """The whole file."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", _STYLE),
    )
    root = element("html", head, element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{ElementTree.tostring(root, encoding='unicode', method='html')}\n"


def table(content: Table) -> Element:
    """A table under its heading; columns of numbers stand to the right."""
    kinds = [
        "number" if _is_number([row[at] for row in content.rows]) else "text"
        for at in range(len(content.columns))
    ]
    head = [element("th", name, class_=kind) for name, kind in _with(content.columns, kinds)]
    rows = [
        element("tr", *(element("td", cell, class_=kind) for cell, kind in _with(row, kinds)))
        for row in content.rows
    ]
    return element(
        "section",
        element("h3", content.title),
        element("table", element("thead", element("tr", *head)), element("tbody", *rows)),
    )


def figure(chart: Chart) -> Element:
    """A chart; its points have a place on its axes."""
    drawing = ElementTree.fromstring(svg(chart).replace(' xmlns="http://www.w3.org/2000/svg"', ""))
    return element("figure", element("figcaption", chart.title), drawing)


def _with(cells: Iterable[str], kinds: Iterable[str]) -> Iterable[tuple[str, str]]:
    return zip(cells, kinds, strict=True)


def _is_number(cells: Iterable[str]) -> bool:
    told = [cell for cell in cells if cell]
    return bool(told) and all(_NUMBER.fullmatch(cell) for cell in told)


def _shown(text: str) -> str:
    return _UNSHOWN.sub("\ufffd", writable(text))
