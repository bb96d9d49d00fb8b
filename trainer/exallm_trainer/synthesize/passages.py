"""The passages that questions are written about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from exallm_trainer.data.boilerplate import without_boilerplate
from exallm_trainer.data.chunk import chunked
from exallm_trainer.data.clean import cleaned
from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.duplicates import without_exact, without_near
from exallm_trainer.data.sources import Access, SourceRequest, open_source
from exallm_trainer.synthesize.candidate import Passage
from exallm_trainer.synthesize.settings import SynthesisSettings
from exallm_udfs.errors import ExallmError

_NEAR_DUPLICATE = 0.8


def read_passages(
    sources: Sequence[SourceRequest],
    access: Access,
    settings: SynthesisSettings,
    drops: Drops,
    progress: Callable[[str], None],
) -> list[Passage]:
    """The passages of all sources, cleaned and divided as for training, each once.

    Questions that a source has are left aside. Of more passages than the settings take, those are
    taken that are spread evenly.

    :raises ExallmError: E-EXALLM-DATA-7 where there are none, -1 to -11 where a source is not read.
    """
    documents: list[Document] = []
    for asked in sources:
        progress(f"reading {asked.name}")
        source = open_source(asked, access)
        read = [cleaned(_without_questions(each), drops) for each in source.documents(drops)]
        documents += without_boilerplate(read, drops)
    progress("looking for duplicates")
    documents = [chunked(document, settings.chunk_words) for document in documents]
    documents = without_near(without_exact(documents, drops), _NEAR_DUPLICATE, drops)
    passages = [
        Passage(each.source, each.name, paragraph.text, _sha256(paragraph.text))
        for each in documents
        for paragraph in each.paragraphs
    ]
    if not passages:
        raise ExallmError("E-EXALLM-DATA-7", "the sources give no passage", "check what they name")
    wanted = settings.passages
    if wanted is None or wanted >= len(passages):
        return passages
    return [passages[at * len(passages) // wanted] for at in range(wanted)]


def _without_questions(document: Document) -> Document:
    bare = tuple(replace(paragraph, questions=()) for paragraph in document.paragraphs)
    return replace(document, paragraphs=bare)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
