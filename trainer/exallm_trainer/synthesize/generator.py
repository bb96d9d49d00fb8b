"""What writes: a model in this process, or one behind an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Completion:
    """What a model wrote.

    :param cut: whether it ended at the limit of tokens, or could not begin for want of room.
    """

    text: str
    cut: bool


@dataclass(frozen=True)
class ModelIdentity:
    """Which model it is, as it may be told to anybody.

    :param sha256: of its weights; None behind an address, where nobody here sees them.
    """

    name: str
    sha256: str | None

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Generator(Protocol):
    """A model that writes."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    @property
    def at_once(self) -> int:
        """Prompts that it takes in one call without losing time."""

    def complete(self, prompts: Sequence[str]) -> list[Completion]:
        """One completion a prompt, in their order."""
