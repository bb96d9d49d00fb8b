"""What comes of items that an engine computes together, and may fail on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

from exallm_udfs.errors import ExallmError
from exallm_udfs.row_error import RowError

_REASON_LIMIT = 200

_Item = TypeVar("_Item")
_Result = TypeVar("_Result", covariant=True)


@dataclass(frozen=True)
class Outcome(Generic[_Result]):
    """What came of one item.

    :param latency_ms: the item's share of its engine call, 0 for one that equals another.
    """

    result: _Result | RowError
    latency_ms: float


def outcomes(
    compute: Callable[[Sequence[_Item]], Sequence[_Result | RowError]], items: Sequence[_Item]
) -> list[Outcome[_Result]]:
    """The outcome of each item, in their order.

    An item that makes the engine fail is found by halving, and its outcome is an error; an
    ``ExallmError`` is raised, since no item could be computed.

    :param compute: one call of the engine: a result for each item.
    """
    started = perf_counter()
    try:
        results = compute(items)
    except ExallmError:
        raise
    except Exception as error:
        # Native engines raise whatever they like for what they cannot compute.
        if len(items) == 1:
            return [Outcome(_failed(error), _milliseconds_since(started))]
        middle = len(items) // 2
        return outcomes(compute, items[:middle]) + outcomes(compute, items[middle:])
    share = round(_milliseconds_since(started) / len(items), 3)
    return [Outcome(result, share) for result in results]


def equal_items(items: Sequence[Hashable], collapse: bool) -> list[list[int]]:
    """For each item to compute, the positions that wait for it: of all that are equal to it.

    :param collapse: whether equal items are computed once.
    """
    if not collapse:
        return [[position] for position in range(len(items))]
    positions: dict[Hashable, list[int]] = {}
    for position, item in enumerate(items):
        positions.setdefault(item, []).append(position)
    return list(positions.values())


def _milliseconds_since(started: float) -> float:
    return (perf_counter() - started) * 1000


def _failed(error: Exception) -> RowError:
    words = " ".join(str(error).split()) or type(error).__name__
    return RowError("E-EXALLM-ROW-4", f"the engine failed on this row: {words[:_REASON_LIMIT]}")
