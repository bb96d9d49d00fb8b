"""Lines that stand in document after document: page headers, menus, notices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from exallm_trainer.data.document import Document, Paragraph
from exallm_trainer.data.drops import Drops

_DOCUMENTS = 3
_SHARE = 0.2
_NUMBER = re.compile(r"\d+")
# As "Page 3 of 10", "- 3 -" or "3/10": only there does another number make no other line.
_PAGE = re.compile(r"(?:[^\w|]|page|seite|p|of|von)*\d+(?:[^\w|]|of|von)*\d*[^\w|]*")


def without_boilerplate(documents: Sequence[Document], drops: Drops) -> list[Document]:
    """Drop lines that at least three documents, and a fifth of all, have.

    Lines that differ only in a page's number count as one line. A paragraph with questions that is
    one line is its own text, and is left alone.

    :param documents: of one source.
    """
    seen = Counter(
        line
        for document in documents
        for line in {_form(line) for p in document.paragraphs for line in _lines(p)}
    )
    least = max(_DOCUMENTS, _SHARE * len(documents))
    repeated = {line for line, count in seen.items() if count >= least}
    return [_without(document, repeated, drops) for document in documents]


def _without(document: Document, repeated: set[str], drops: Drops) -> Document:
    paragraphs = []
    for paragraph in document.paragraphs:
        boilerplate = [line for line in _lines(paragraph) if _form(line) in repeated]
        for _ in boilerplate:
            drops.add(document.source, "line", "boilerplate", document.name)
        if boilerplate:
            kept = [line for line in paragraph.text.split("\n") if _form(line) not in repeated]
            text = "\n".join(kept).strip()
            if not text:
                drops.add_paragraph(document, "boilerplate", paragraph)
                continue
            paragraph = replace(paragraph, text=text)
        paragraphs.append(paragraph)
    return replace(document, paragraphs=tuple(paragraphs))


def _lines(paragraph: Paragraph) -> list[str]:
    """The lines that may be boilerplate."""
    lines = [line for line in paragraph.text.split("\n") if line.strip()]
    return [] if paragraph.questions and len(lines) == 1 else lines


def _form(line: str) -> str:
    form = line.strip().casefold()
    return _NUMBER.sub("0", form) if _PAGE.fullmatch(form) else form
