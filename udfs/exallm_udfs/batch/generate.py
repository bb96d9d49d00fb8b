"""Prompts through the engine: equal ones once, in a good order, in batches that may fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.batch.model import Model
from exallm_udfs.batch.outcome import Outcome, equal_items, outcomes
from exallm_udfs.batch.prompt_order import order_prompts
from exallm_udfs.engines.engine import Generation
from exallm_udfs.options import Options


def generate(
    model: Model, prompts: Sequence[str], options: Options, known: KnownGenerations
) -> Iterator[tuple[int, Outcome[Generation]]]:
    """The position and the outcome of each prompt, batch by batch, in no set order.

    With greedy decoding, equal prompts are computed once, also over several calls, as far as
    ``known`` remembers.
    """
    collapse = model.settings.temperature == 0 and options.collapse_duplicates
    askers = []
    for positions in equal_items(prompts, collapse):
        generation = known.get(model, prompts[positions[0]]) if collapse else None
        if generation is None:
            askers.append(positions)
        else:
            yield from ((position, Outcome(generation, 0.0)) for position in positions)
    firsts = [positions[0] for positions in askers]
    order = list(range(len(askers)))
    if options.share_prefixes:
        order = order_prompts([prompts[first] for first in firsts], model.template_head)
    for start in range(0, len(askers), options.batch_rows):
        batch = order[start : start + options.batch_rows]
        computed = outcomes(
            lambda some: model.engine.generate(some, model.settings),
            [prompts[firsts[index]] for index in batch],
        )
        for index, outcome in zip(batch, computed, strict=True):
            if collapse and isinstance(outcome.result, Generation):
                known.add(model, prompts[firsts[index]], outcome.result)
            yield firsts[index], outcome
            for position in askers[index][1:]:
                yield position, replace(outcome, latency_ms=0.0)
