"""The part of a step, or of a split, that a process computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

_Part = TypeVar("_Part")


def share_of(parts: Sequence[_Part], accelerator: Any) -> Iterator[tuple[_Part, float]]:
    """The parts of this process with their weight, which is 1.

    Every process gets as many, since sharded weights are gathered by all of them together at each
    forward pass; what fills a share up has the weight 0. ``parts`` is not empty.
    """
    processes, this = accelerator.num_processes, accelerator.process_index
    for first in range(0, len(parts), processes):
        at = first + this
        yield (parts[at], 1.0) if at < len(parts) else (parts[0], 0.0)
