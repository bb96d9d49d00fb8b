"""Prompts through the engine: equal ones once, in a good order, in batches that may fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from exallm_udfs.batch.known_generations import KnownGenerations
from exallm_udfs.batch.model import Model
from exallm_udfs.batch.prompt_order import order_prompts
from exallm_udfs.engines.engine import Generation
from exallm_udfs.errors import ExallmError
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError

_REASON_LIMIT = 200


@dataclass(frozen=True)
class Outcome:
    """What came of one prompt.

    :param latency_ms: the prompt's share of its engine call, 0 for one that equals another.
    """

    result: Generation | RowError
    latency_ms: float


def generate(
    model: Model, prompts: Sequence[str], options: Options, known: KnownGenerations
) -> Iterator[tuple[int, Outcome]]:
    """The position and the outcome of each prompt, batch by batch, in no set order.

    With greedy decoding, equal prompts are computed once, also over several calls, as far as
    ``known`` remembers.

    A prompt that makes the engine fail is found by halving its batch, and its outcome is an error;
    an ``ExallmError`` of the engine is raised, since no prompt could be computed.
    """
    collapse = model.settings.temperature == 0 and options.collapse_duplicates
    askers = []
    for positions in _askers(prompts, collapse):
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
        outcomes = _run(model, [prompts[firsts[index]] for index in batch])
        for index, outcome in zip(batch, outcomes, strict=True):
            if collapse and isinstance(outcome.result, Generation):
                known.add(model, prompts[firsts[index]], outcome.result)
            yield firsts[index], outcome
            for position in askers[index][1:]:
                yield position, replace(outcome, latency_ms=0.0)


def _askers(prompts: Sequence[str], collapse: bool) -> list[list[int]]:
    """For each prompt to compute, the positions that wait for it."""
    if not collapse:
        return [[position] for position in range(len(prompts))]
    positions: dict[str, list[int]] = {}
    for position, prompt in enumerate(prompts):
        positions.setdefault(prompt, []).append(position)
    return list(positions.values())


def _run(model: Model, prompts: Sequence[str]) -> list[Outcome]:
    started = perf_counter()
    try:
        results = model.engine.generate(prompts, model.settings)
    except ExallmError:
        raise
    except Exception as error:
        # Native engines raise whatever they like for a prompt that they cannot compute.
        if len(prompts) == 1:
            return [Outcome(_failed(error), _milliseconds_since(started))]
        middle = len(prompts) // 2
        return _run(model, prompts[:middle]) + _run(model, prompts[middle:])
    share = round(_milliseconds_since(started) / len(prompts), 3)
    return [Outcome(result, share) for result in results]


def _milliseconds_since(started: float) -> float:
    return (perf_counter() - started) * 1000


def _failed(error: Exception) -> RowError:
    words = " ".join(str(error).split()) or type(error).__name__
    return RowError("E-EXALLM-ROW-4", f"the engine failed on this row: {words[:_REASON_LIMIT]}")
