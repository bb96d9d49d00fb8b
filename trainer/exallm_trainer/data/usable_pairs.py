"""Preference pairs that something can be learnt from, and that no held-out set knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exallm_trainer.data.document import wording, writable
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.held_out import HeldOut
from exallm_trainer.data.pairs_source import PairsSource
from exallm_trainer.preference_pair import PreferencePair
from exallm_udfs.errors import ExallmError


def usable_pairs(
    sources: Sequence[PairsSource], held_out: Sequence[HeldOut], drops: Drops
) -> list[PreferencePair]:
    """The pairs of the sources, in their order; texts stay as they are, since a model is asked so.

    A pair goes where one of its texts is empty or not Unicode, where both completions are the same
    but for blanks, where it stands there already, where an earlier one prefers the opposite, or
    where a held-out set has its document's title or 13 words in a row of one of its texts.

    :raises ExallmError: E-EXALLM-DATA-40 where none of a source's pairs is left.
    """
    kept: dict[tuple[str, str, str], PreferencePair] = {}
    for source in sources:
        before = len(kept)
        for pair in source.pairs():
            key = _key(pair.prompt, pair.chosen, pair.rejected)
            reason = _unusable(pair, held_out)
            if reason is None and key in kept:
                reason = "duplicate"
            if reason is None and _key(pair.prompt, pair.rejected, pair.chosen) in kept:
                reason = "an earlier pair prefers the opposite"
            if reason is None:
                kept[key] = pair
            else:
                drops.add(source.name, "pair", reason, pair.id)
        if len(kept) == before:
            raise _none_left(source, drops)
    return list(kept.values())


def _unusable(pair: PreferencePair, held_out: Sequence[HeldOut]) -> str | None:
    texts = (pair.prompt, pair.chosen, pair.rejected)
    if not all(text.strip() for text in texts):
        return "no text"
    if any(writable(text) != text for text in (*texts, pair.id, pair.document)):
        return "broken encoding"
    if pair.chosen.split() == pair.rejected.split():
        return "chosen equals rejected"
    return next(_known_to(held_out, pair), None)


def _known_to(held_out: Sequence[HeldOut], pair: PreferencePair) -> Iterator[str]:
    """Why held-out sets forbid the pair."""
    for known in held_out:
        if wording(pair.document) in known.titles:
            yield f"has a title of held-out {known.name}"
        if any(known.shares_text(text) for text in (pair.prompt, pair.chosen, pair.rejected)):
            yield f"shares text with held-out {known.name}"


def _key(*texts: str) -> tuple[str, str, str]:
    prompt, first, second = (" ".join(text.split()) for text in texts)
    return prompt, first, second


def _none_left(source: PairsSource, drops: Drops) -> ExallmError:
    told = [
        f"{entry.count} of them: {entry.reason}"
        for entry in drops.counts()
        if (entry.source, entry.unit) == (source.name, "pair")
    ]
    return ExallmError(
        "E-EXALLM-DATA-40",
        f"no pair of the source {source.name} can be used"
        + (f" ({'; '.join(told)})" if told else ": it has none"),
        "give prompts with two different completions, of which chosen is the better one",
    )
