"""What writes: a model in this process, or one behind an address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from exallm_udfs.errors import ExallmError

# Refusals before the first answer that lie in how a model is asked, and not in a prompt.
_HOPELESS = 8


@dataclass(frozen=True)
class Completion:
    """What a model wrote.

    :param text: its own or its server's words, which may quote the prompt, where it refuses.
    :param cut: whether it ended at the limit of tokens, or could not begin for want of room.
    :param refused: why it does not answer this prompt, in words that many prompts may share; None
        where it does.
    """

    text: str
    cut: bool
    refused: str | None = None


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

    def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
        """The number of each prompt and its completion, as they come.

        A prompt that fails ends the others only once these are here.
        """


class Refusals:
    """Of one model, which is not asked any more where it refuses whatever it is asked.

    :param answered: whether it has answered a prompt before.
    """

    def __init__(self, model: ModelIdentity, answered: bool = False) -> None:
        self._model, self._answered, self._count = model, answered, 0
        self._last = ""

    def count(self, completion: Completion) -> None:
        """Take the next completion into account.

        :raises ExallmError: E-EXALLM-DATA-31 at the eighth refusal before the first answer.
        """
        if completion.refused is None:
            self._answered = True
            return
        self._count += 1
        self._last = ", ".join(filter(None, (completion.refused, completion.text)))
        if self._count >= _HOPELESS:
            self.require_an_answer()

    def require_an_answer(self) -> None:
        """The model has answered a prompt, or was asked none.

        :raises ExallmError: E-EXALLM-DATA-31 where it refused all of them.
        """
        if self._count and not self._answered:
            raise ExallmError(
                "E-EXALLM-DATA-31",
                f"{self._model.name} refuses each of {self._count} prompts: {self._last}",
                "check address and model; the same command goes on where it ended",
            )
