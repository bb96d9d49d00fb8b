"""From sources to a folder of prepared data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from exallm_trainer.data.answers import grounded
from exallm_trainer.data.boilerplate import without_boilerplate
from exallm_trainer.data.card import CARD_FILE, DataCard, SourceCard, SplitCard
from exallm_trainer.data.chunk import TextChunk, chunked, write_chunks
from exallm_trainer.data.clean import cleaned
from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.duplicates import without_exact, without_near
from exallm_trainer.data.file_text import sha256_of_file, sha256_of_names
from exallm_trainer.data.held_out import HeldOut, decontaminated, held_out_of, refuse_overlap
from exallm_trainer.data.prepared import (
    FILES,
    TRAIN_FILE,
    TRAIN_TEXTS_FILE,
    VALIDATION_FILE,
    VALIDATION_TEXTS_FILE,
    Prepared,
    card_of,
    read_prepared,
)
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import Access, Source, SourceRequest, open_source
from exallm_trainer.data.split import is_validation
from exallm_trainer.data.synthetic_source import SyntheticSource
from exallm_trainer.example import Example, write_examples
from exallm_trainer.run_folder import write_whole
from exallm_udfs.errors import ExallmError

# Raised when the rules change what comes of the same sources.
_RULES = 1
_PACKAGES = ("ftfy", "datasketch")
_PACKAGES_OF_DOCUMENTS = ("markitdown", "pdfminer.six", "mammoth")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class PrepareRequest:
    """What to prepare.

    :param sources: in the order of their rank: of two equal paragraphs the first is kept.
    :param held_out: sets that training must not have seen.
    """

    sources: Sequence[SourceRequest]
    held_out: Sequence[SourceRequest] = ()
    settings: PrepareSettings = field(default_factory=PrepareSettings)
    access: Access = field(default_factory=Access)

    def __post_init__(self) -> None:
        if not self.sources:
            raise _request_refused("no source is named", "name one")
        for requests in (self.sources, self.held_out):
            names = [request.name for request in requests]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise _request_refused(
                    f"two sources have the name {twice[0]}", "write name=kind:location"
                )


def _silent(text: str) -> None:
    """Tell nobody."""


def prepare(request: PrepareRequest, target: Path, progress: Progress = _silent) -> Prepared:
    """Clean, deduplicate, decontaminate, split and write; the card comes last.

    The same request gives the same bytes. Where the folder has its result already, nothing is
    done.

    :param progress: gets the name of each step that begins.
    :raises ExallmError: E-EXALLM-DATA-1 to -17; see ``docs/errors.md``. A folder without a card
        is left, which is not whole and which the next call completes.
    """
    progress("hashing the sources")
    sources = [open_source(source, request.access) for source in request.sources]
    held_out = [open_source(source, request.access) for source in request.held_out]
    identity = _identity(request, sources, held_out)
    card = card_of(target)
    if card is not None:
        if card.identity != identity:
            raise ExallmError(
                "E-EXALLM-DATA-14",
                f"{target} holds data that was prepared from other sources or settings",
                "name another folder",
            )
        return read_prepared(target)
    work = _Preparation(request, progress)
    documents = work.documents(sources, held_out)
    _write(work, documents, sources, held_out, identity, target)
    return read_prepared(target)


class _Preparation:
    """One preparation: its ledger, and what was read of each source."""

    def __init__(self, request: PrepareRequest, progress: Progress) -> None:
        self.request, self.progress = request, progress
        self.drops = Drops()
        self.read: dict[str, tuple[int, int, int]] = {}
        self.held: dict[str, tuple[int, int, int]] = {}

    def documents(self, sources: Sequence[Source], held_out: Sequence[Source]) -> list[Document]:
        """All documents, ready to be split."""
        settings = self.request.settings
        sets = [self._held_out(source) for source in held_out]
        documents = [document for source in sources for document in self._cleaned(source)]
        self.progress("comparing with the held-out sets")
        refuse_overlap(documents, sets)
        documents = [
            chunked(grounded(document, self.drops), settings.chunk_words) for document in documents
        ]
        documents = decontaminated(documents, sets, self.drops)
        self.progress("looking for duplicates")
        documents = without_exact(documents, self.drops)
        documents = without_near(documents, settings.near_duplicate, self.drops)
        return [self._with_something_to_learn(document) for document in documents]

    def _cleaned(self, source: Source) -> list[Document]:
        self.progress(f"reading {source.name}")
        documents = list(source.documents(self.drops))
        self.read[source.name] = _counts(documents)
        if not any(document.paragraphs for document in documents):
            reasons = self.drops.reasons(source.name)
            why = "; ".join(f"{file}: {reason}" for reason, file in reasons.items())
            raise ExallmError(
                "E-EXALLM-DATA-7",
                f"the source {source.name} gives no text" + (f" ({why})" if why else ""),
                "check what it names",
            )
        self.progress(f"cleaning {source.name}")
        documents = [cleaned(document, self.drops) for document in documents]
        return without_boilerplate(documents, self.drops)

    def _held_out(self, source: Source) -> HeldOut:
        self.progress(f"reading held-out {source.name}")
        documents = list(source.documents(Drops()))
        self.held[source.name] = _counts(documents)
        return held_out_of(source.name, documents, self.request.settings.shared_words)

    def _with_something_to_learn(self, document: Document) -> Document:
        paragraphs = []
        for paragraph in document.paragraphs:
            if paragraph.questions or paragraph.position is not None:
                paragraphs.append(paragraph)
            else:
                self.drops.add(document.source, "paragraph", "no question left", document.name)
        return replace(document, paragraphs=tuple(paragraphs))


def _write(
    work: _Preparation,
    documents: Sequence[Document],
    sources: Sequence[Source],
    held_out: Sequence[Source],
    identity: str,
    target: Path,
) -> None:
    request, settings = work.request, work.request.settings
    work.progress("writing")
    sides: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        if document.paragraphs:
            side = is_validation(document.name, settings.validation_share, settings.seed)
            sides[side].append(document)
    _require_splits(sides, settings, work.drops)
    train, validation = sides
    try:
        target.mkdir(parents=True, exist_ok=True)
        write_examples(target / TRAIN_FILE, _examples(train))
        write_examples(target / VALIDATION_FILE, _examples(validation))
        write_chunks(target / TRAIN_TEXTS_FILE, _chunks(train))
        write_chunks(target / VALIDATION_TEXTS_FILE, _chunks(validation))
        files = {name: sha256_of_file(target / name) for name in FILES}
        card = DataCard(
            identity=identity,
            sha256=sha256_of_names(files.items()),
            sources=_source_cards(request.sources, sources, work.read),
            held_out=_source_cards(request.held_out, held_out, work.held),
            settings=asdict(settings),
            dropped=work.drops.counts(),
            train=_split_card(train),
            validation=_split_card(validation),
            files=files,
            versions=_versions(request),
        )
        write_whole(target / CARD_FILE, card.text())
    except OSError as error:
        raise ExallmError(
            "E-EXALLM-DATA-17",
            f"prepared data cannot be written to {target}: {error.strerror}",
            "make room or name another folder, and prepare it again",
        ) from error


def _require_splits(
    sides: tuple[Sequence[Document], Sequence[Document]],
    settings: PrepareSettings,
    drops: Drops,
) -> None:
    train, validation = sides
    if not train and not validation:
        told = "; ".join(f"{d.count} of {d.source} for '{d.reason}'" for d in drops.counts())
        raise ExallmError(
            "E-EXALLM-DATA-13",
            f"nothing is left to train on: {told}",
            "correct the sources, or name others",
        )
    if not train or (settings.validation_share and not validation):
        name = "validation" if train else "training"
        raise ExallmError(
            "E-EXALLM-DATA-13",
            f"of {len(train) + len(validation)} documents none falls to the {name} split",
            "prepare more documents, or choose another validation share or seed",
        )


def _examples(documents: Sequence[Document]) -> Iterator[Example]:
    for document in documents:
        for paragraph in document.paragraphs:
            for question in paragraph.questions:
                yield Example(
                    question.id,
                    paragraph.text,
                    question.text,
                    question.answers,
                    document.source,
                    document.name,
                )


def _chunks(documents: Sequence[Document]) -> Iterator[TextChunk]:
    for document in documents:
        for paragraph in document.paragraphs:
            if paragraph.position is not None and not paragraph.questions:
                yield TextChunk(document.source, document.name, paragraph.position, paragraph.text)


def _split_card(documents: Sequence[Document]) -> SplitCard:
    return SplitCard(
        documents=len(documents),
        examples=sum(document.questions() for document in documents),
        texts=sum(1 for _ in _chunks(documents)),
    )


def _counts(documents: Sequence[Document]) -> tuple[int, int, int]:
    """Documents, paragraphs and questions."""
    return (
        len(documents),
        sum(len(document.paragraphs) for document in documents),
        sum(document.questions() for document in documents),
    )


def _source_cards(
    requests: Sequence[SourceRequest],
    sources: Sequence[Source],
    read: dict[str, tuple[int, int, int]],
) -> tuple[SourceCard, ...]:
    return tuple(
        SourceCard(
            source.name,
            request.kind,
            source.location,
            source.sha256(),
            source.licence,
            *read[source.name],
            synthetic=source.origin() if isinstance(source, SyntheticSource) else None,
        )
        for request, source in zip(requests, sources, strict=True)
    )


def _identity(
    request: PrepareRequest, sources: Sequence[Source], held_out: Sequence[Source]
) -> str:
    """sha256 of all that decides the result."""

    def told(requests: Sequence[SourceRequest], opened: Sequence[Source]) -> list[Any]:
        return [
            [asked.kind, source.name, source.location, source.sha256(), source.licence]
            for asked, source in zip(requests, opened, strict=True)
        ]

    values = {
        "rules": _RULES,
        "sources": told(request.sources, sources),
        "held_out": told(request.held_out, held_out),
        "settings": asdict(request.settings),
        "columns": asdict(request.access.columns),
        "versions": _versions(request),
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _versions(request: PrepareRequest) -> dict[str, str]:
    kinds = {source.kind for source in (*request.sources, *request.held_out)}
    packages = _PACKAGES + (_PACKAGES_OF_DOCUMENTS if "documents" in kinds else ())
    return {package: version(package) for package in packages}


def _request_refused(problem: str, remedy: str) -> ExallmError:
    return ExallmError("E-EXALLM-DATA-5", problem, remedy)
