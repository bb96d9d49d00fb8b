"""From sources to a folder of prepared data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

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
from exallm_trainer.data.pairs_source import PairsSource
from exallm_trainer.data.prepared import (
    FILES,
    PAIRS_FILES,
    TRAIN_FILE,
    TRAIN_PAIRS_FILE,
    TRAIN_TEXTS_FILE,
    VALIDATION_FILE,
    VALIDATION_PAIRS_FILE,
    VALIDATION_TEXTS_FILE,
    Prepared,
    card_of,
    read_prepared,
)
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import (
    Access,
    AnySource,
    Source,
    SourceRequest,
    open_pairs,
    open_source,
)
from exallm_trainer.data.split import is_validation
from exallm_trainer.data.synthetic_source import SyntheticSource
from exallm_trainer.data.unique_ids import with_unique_ids
from exallm_trainer.data.usable_pairs import usable_pairs
from exallm_trainer.example import Example, write_examples
from exallm_trainer.preference_pair import PreferencePair, write_pairs
from exallm_trainer.run_folder import write_whole
from exallm_udfs.errors import ExallmError

# Raised when the rules change what comes of the same sources.
_RULES = 2
_PACKAGES = ("ftfy", "datasketch")
_PACKAGES_OF_DOCUMENTS = ("markitdown", "pdfminer.six", "mammoth")

Progress = Callable[[str], None]
_Split = TypeVar("_Split", Document, PreferencePair)


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
    sources = [_opened(source, request.access) for source in request.sources]
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
    sets = [work.held_out(source) for source in held_out]
    result = _Result(
        work.documents([s for s in sources if not isinstance(s, PairsSource)], sets),
        work.pairs([s for s in sources if isinstance(s, PairsSource)], sets),
    )
    _write(work, result, sources, held_out, identity, target)
    return read_prepared(target)


def _opened(request: SourceRequest, access: Access) -> AnySource:
    return open_pairs(request) if request.kind == "pairs" else open_source(request, access)


@dataclass(frozen=True)
class _Counts:
    """What was read of a source."""

    documents: int = 0
    paragraphs: int = 0
    questions: int = 0
    pairs: int = 0


@dataclass(frozen=True)
class _Result:
    """What is left to train on, or one side of it."""

    documents: Sequence[Document]
    pairs: Sequence[PreferencePair]

    def sides(self, settings: PrepareSettings) -> tuple[_Result, _Result]:
        """For training and for validation."""
        documents = _sides([each for each in self.documents if each.paragraphs], settings)
        pairs = _sides(self.pairs, settings)
        return _Result(documents[0], pairs[0]), _Result(documents[1], pairs[1])


def _sides(
    members: Sequence[_Split], settings: PrepareSettings
) -> tuple[list[_Split], list[_Split]]:
    sides: tuple[list[_Split], list[_Split]] = ([], [])
    for member in members:
        name = member.document if isinstance(member, PreferencePair) else member.name
        sides[is_validation(name, settings.validation_share, settings.seed)].append(member)
    return sides


class _Preparation:
    """One preparation: its ledger, and what was read of each source."""

    def __init__(self, request: PrepareRequest, progress: Progress) -> None:
        self.request, self.progress = request, progress
        self.drops = Drops()
        self.read: dict[str, _Counts] = {}
        self.held: dict[str, _Counts] = {}

    def documents(self, sources: Sequence[Source], sets: Sequence[HeldOut]) -> list[Document]:
        """All documents, ready to be split."""
        settings = self.request.settings
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
        return with_unique_ids([self._with_something_to_learn(each) for each in documents])

    def pairs(
        self, sources: Sequence[PairsSource], sets: Sequence[HeldOut]
    ) -> list[PreferencePair]:
        """All preference pairs, ready to be split."""
        if sources:
            self.progress("reading preference pairs")
        usable = usable_pairs(sources, sets, self.drops)
        for source in sources:
            kept = sum(pair.source == source.name for pair in usable)
            self.read[source.name] = _Counts(pairs=kept + self.drops.total(source.name, "pair"))
        return usable

    def held_out(self, source: Source) -> HeldOut:
        """A set in the forms in which sources are compared with it."""
        self.progress(f"reading held-out {source.name}")
        documents = list(source.documents(Drops()))
        self.held[source.name] = _counts(documents)
        return held_out_of(source.name, documents, self.request.settings.shared_words)

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
    result: _Result,
    sources: Sequence[AnySource],
    held_out: Sequence[Source],
    identity: str,
    target: Path,
) -> None:
    request, settings = work.request, work.request.settings
    work.progress("writing")
    train, validation = result.sides(settings)
    _require_splits(train.documents, validation.documents, bool(result.pairs), settings, work.drops)
    if result.pairs:
        _require_sides(train.pairs, validation.pairs, "prompts of pairs", settings)
    try:
        target.mkdir(parents=True, exist_ok=True)
        names = _write_splits(target, train, validation)
        files = {name: sha256_of_file(target / name) for name in names}
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


def _write_splits(target: Path, train: _Result, validation: _Result) -> Sequence[str]:
    """Write the files; their names."""
    write_examples(target / TRAIN_FILE, _examples(train.documents))
    write_examples(target / VALIDATION_FILE, _examples(validation.documents))
    write_chunks(target / TRAIN_TEXTS_FILE, _chunks(train.documents))
    write_chunks(target / VALIDATION_TEXTS_FILE, _chunks(validation.documents))
    if not train.pairs:
        return FILES
    write_pairs(target / TRAIN_PAIRS_FILE, train.pairs)
    write_pairs(target / VALIDATION_PAIRS_FILE, validation.pairs)
    return (*FILES, *PAIRS_FILES)


def _require_splits(
    train: Sequence[Document],
    validation: Sequence[Document],
    has_pairs: bool,
    settings: PrepareSettings,
    drops: Drops,
) -> None:
    if train or validation:
        _require_sides(train, validation, "documents", settings)
    elif not has_pairs:
        told = "; ".join(f"{d.count} of {d.source} for '{d.reason}'" for d in drops.counts())
        raise ExallmError(
            "E-EXALLM-DATA-13",
            f"nothing is left to train on: {told}",
            "correct the sources, or name others",
        )


def _require_sides(
    train: Sequence[object], validation: Sequence[object], what: str, settings: PrepareSettings
) -> None:
    if not train or (settings.validation_share and not validation):
        name = "validation" if train else "training"
        raise ExallmError(
            "E-EXALLM-DATA-13",
            f"of {len(train) + len(validation)} {what} none falls to the {name} split",
            f"prepare more {what}, or choose another validation share or seed",
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
                    question.occurrence,
                )


def _chunks(documents: Sequence[Document]) -> Iterator[TextChunk]:
    for document in documents:
        for paragraph in document.paragraphs:
            if paragraph.position is not None and not paragraph.questions:
                yield TextChunk(document.source, document.name, paragraph.position, paragraph.text)


def _split_card(side: _Result) -> SplitCard:
    names = {document.name for document in side.documents}
    return SplitCard(
        # What has pairs alone is a document, too.
        documents=len(side.documents) + len({pair.document for pair in side.pairs} - names),
        examples=sum(document.questions() for document in side.documents),
        texts=sum(1 for _ in _chunks(side.documents)),
        pairs=len(side.pairs),
    )


def _counts(documents: Sequence[Document]) -> _Counts:
    return _Counts(
        documents=len(documents),
        paragraphs=sum(len(document.paragraphs) for document in documents),
        questions=sum(document.questions() for document in documents),
    )


def _source_cards(
    requests: Sequence[SourceRequest],
    sources: Sequence[AnySource],
    read: Mapping[str, _Counts],
) -> tuple[SourceCard, ...]:
    return tuple(
        SourceCard(
            source.name,
            request.kind,
            source.location,
            source.sha256(),
            source.licence,
            **asdict(read[source.name]),
            synthetic=source.origin() if isinstance(source, SyntheticSource) else None,
        )
        for request, source in zip(requests, sources, strict=True)
    )


def _identity(
    request: PrepareRequest, sources: Sequence[AnySource], held_out: Sequence[Source]
) -> str:
    """sha256 of all that decides the result."""

    def told(requests: Sequence[SourceRequest], opened: Sequence[AnySource]) -> list[Any]:
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
