"""From the user's passages to questions with answers, written by a model and filtered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from exallm_trainer.data.document import writable
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.sources import Access, SourceRequest
from exallm_trainer.synthesize import filters
from exallm_trainer.synthesize.candidate import Candidate, Passage
from exallm_trainer.synthesize.generator import Generator, Refusals
from exallm_trainer.synthesize.harm_classifier import HarmClassifier
from exallm_trainer.synthesize.language import in_language
from exallm_trainer.synthesize.passages import read_passages
from exallm_trainer.synthesize.prompt import PROMPT_VERSION, read_reply, synthesis_prompt
from exallm_trainer.synthesize.second_model import SecondModel, doubts
from exallm_trainer.synthesize.settings import SynthesisSettings, refused
from exallm_trainer.synthesize.synthetic_folder import Generation, SyntheticFolder
from exallm_udfs.errors import ExallmError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class SynthesisRequest:
    """What to write questions about, and who writes and judges them.

    :param sources: of passages; questions that they have are left aside.
    :param second: None for no round trip.
    :param harmful_words: words and phrases that neither question nor answer may hold.
    """

    sources: Sequence[SourceRequest]
    generator: Generator
    second: SecondModel | None = None
    classifier: HarmClassifier | None = None
    harmful_words: tuple[str, ...] = ()
    settings: SynthesisSettings = field(default_factory=SynthesisSettings)
    access: Access = field(default_factory=Access)

    def __post_init__(self) -> None:
        if not self.sources:
            raise refused("no source is named", "name one")
        if self.second is not None and self.second.identity == self.generator.identity:
            raise refused(
                f"the second model is the writer itself, {self.second.identity.name}",
                "name another one: a model agrees with its own mistakes",
            )


def _silent(text: str) -> None:
    """Tell nobody."""


def synthesize(
    request: SynthesisRequest, target: Path, progress: Progress = _silent
) -> dict[str, Any]:
    """Write, filter and mark questions; the record comes last, and is what is returned.

    What was written is kept as it comes, so a call that was killed goes on where it ended. Where
    the folder has the result of the same request already, nothing is done.

    :param progress: gets the name of each step that begins.
    :raises ExallmError: E-EXALLM-DATA-1 to -17 of the sources, -30 to -35.
    """
    judges = _judges(request)
    drops = Drops()
    passages = read_passages(request.sources, request.access, request.settings, drops, progress)
    folder = SyntheticFolder(target)
    identity = _identity(request, passages)
    found = folder.record()
    if found is not None:
        if found.get("identity") != identity:
            raise ExallmError(
                "E-EXALLM-DATA-14",
                f"{target} holds questions of other passages, models or settings",
                "name another folder",
            )
        return found
    try:
        written = _write(request, folder, passages, drops, progress)
        candidates = list(_candidates(passages, written, drops))
        kept = _filtered(request, judges, candidates, drops, progress)
        if not kept:
            raise _nothing_left(drops)
        record = _record(request, identity, passages, written, candidates, kept, drops)
        return folder.finish(request.generator.identity, kept, record)
    except OSError as error:
        raise ExallmError(
            "E-EXALLM-DATA-17",
            f"questions cannot be written to {target}: {error.strerror}",
            "make room or name another folder; the same command goes on where it ended",
        ) from error


def _write(
    request: SynthesisRequest,
    folder: SyntheticFolder,
    passages: Sequence[Passage],
    drops: Drops,
    progress: Progress,
) -> dict[str, Generation]:
    """What the generator wrote about each passage, in an earlier call or in this one.

    A passage that it refuses is counted, and asked about again by a call that goes on.
    """
    generator, count = request.generator, request.settings.questions
    known = folder.begin(generator.identity, count)
    refusals, reasons = Refusals(generator.identity, answered=bool(known)), {}
    missing = [passage for passage in passages if passage.sha256 not in known]
    for at in range(0, len(missing), generator.at_once):
        progress(f"writing: {at} of {len(missing)} passages")
        part = missing[at : at + generator.at_once]
        prompts = [synthesis_prompt(each.text, count) for each in part]
        for number, completion in generator.complete(prompts):
            sha256 = part[number].sha256
            refusals.count(completion)
            if completion.refused is None:
                known[sha256] = folder.add(generator.identity, count, sha256, completion)
            else:
                reasons[sha256] = f"the writer refuses it: {completion.refused}"
    refusals.require_an_answer()
    for passage in missing:
        if passage.sha256 in reasons:
            drops.add(passage.source, "paragraph", reasons[passage.sha256], passage.document)
    return {
        passage.sha256: known[passage.sha256] for passage in passages if passage.sha256 in known
    }


def _candidates(
    passages: Iterable[Passage], written: Mapping[str, Generation], drops: Drops
) -> Iterator[Candidate]:
    for passage in passages:
        generation = written.get(passage.sha256)
        if generation is None:
            continue
        if generation.cut and not generation.text:
            drops.add(passage.source, "paragraph", "no room for it in the writer", passage.document)
            continue
        reply = read_reply(writable(generation.text), generation.cut)
        name = f"synthetic/{passage.sha256[:16]}"
        for number in range(reply.broken):
            drops.add(passage.source, "question", "not in the form asked for", f"{name}/x{number}")
        for number, pair in enumerate(reply.pairs, start=1):
            yield Candidate(
                f"{name}/{number}",
                passage,
                pair.question,
                filters.as_it_stands(pair.answer, passage.text),
                generation.generated_at,
            )


def _judges(request: SynthesisRequest) -> list[filters.Filter]:
    """The filters that look at one question; the cheap ones first."""
    settings = request.settings
    judges = [
        filters.length(settings),
        filters.grounded,
        filters.not_given_away,
        filters.without_personal_data,
    ]
    if request.harmful_words:
        judges.append(filters.without_words(request.harmful_words))
    if settings.language is not None:
        judges.append(in_language(settings.language))
    return [*judges, filters.new(settings)]


def _filtered(
    request: SynthesisRequest,
    judges: Sequence[filters.Filter],
    candidates: Sequence[Candidate],
    drops: Drops,
    progress: Progress,
) -> list[Candidate]:
    progress("filtering")
    reasons = [next(filter(None, (judge(each) for judge in judges)), None) for each in candidates]
    kept = _without(candidates, reasons, drops)
    if request.classifier is not None:
        progress("classifying")
        harm = request.classifier.harm([f"{each.question} {each.answer}" for each in kept])
        least, reason = request.settings.harmful_from, "harmful by the classifier"
        reasons = [reason if probability >= least else None for probability in harm]
        kept = _without(kept, reasons, drops)
    if request.second is not None and kept:
        reasons = doubts(
            kept,
            request.second.answerer,
            request.settings.round_trip_f1,
            lambda done, total: progress(f"answering again: {done} of {total} questions"),
        )
        kept = _without(kept, reasons, drops)
    return kept


def _without(
    candidates: Sequence[Candidate], reasons: Sequence[str | None], drops: Drops
) -> list[Candidate]:
    """Those that nothing speaks against; the others are counted by their reason."""
    kept = []
    for candidate, reason in zip(candidates, reasons, strict=True):
        if reason is None:
            kept.append(candidate)
        else:
            drops.add(candidate.passage.source, "question", reason, candidate.id)
    return kept


def _record(
    request: SynthesisRequest,
    identity: str,
    passages: Sequence[Passage],
    written: Mapping[str, Generation],
    candidates: Sequence[Candidate],
    kept: Sequence[Candidate],
    drops: Drops,
) -> dict[str, Any]:
    times = sorted(generation.generated_at for generation in written.values())
    return {
        **_asked(request),
        "identity": identity,
        "first_generated_at": times[0],
        "last_generated_at": times[-1],
        "harmful_words": len(request.harmful_words),
        "passages": len(passages),
        "written": len(candidates),
        "kept": len(kept),
        "dropped": [asdict(entry) for entry in drops.counts()],
    }


def _asked(request: SynthesisRequest) -> dict[str, Any]:
    """Who wrote and judged, and by what settings."""
    second, classifier = request.second, request.classifier
    return {
        "generator": request.generator.identity.values(),
        "prompt_version": PROMPT_VERSION,
        "second": None if second is None else second.identity.values(),
        "classifier": None if classifier is None else classifier.identity.values(),
        "settings": asdict(request.settings),
    }


def _identity(request: SynthesisRequest, passages: Sequence[Passage]) -> str:
    """sha256 of all that decides the result."""
    values = {
        **_asked(request),
        "harmful_words": sorted(request.harmful_words),
        "passages": [passage.sha256 for passage in passages],
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _nothing_left(drops: Drops) -> ExallmError:
    told = "; ".join(f"{d.count} for '{d.reason}'" for d in drops.counts() if d.unit == "question")
    return ExallmError(
        "E-EXALLM-DATA-35",
        f"no question is left: {told}",
        "look at generations.jsonl, and name another writer or other settings",
    )
