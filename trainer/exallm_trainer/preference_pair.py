"""One preference pair: what the model reads, and two things that it may write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exallm_trainer.example import completion_of
from exallm_trainer.json_lines import read_json_lines, write_json_lines


@dataclass(frozen=True)
class Side:
    """The prompt with one of the two completions."""

    asked: str
    written: str

    def prompt(self) -> str:
        """What the model reads."""
        return self.asked

    def completion(self) -> str:
        """What it writes."""
        return completion_of(self.written)


@dataclass(frozen=True)
class PreferencePair:
    """Two completions of a prompt.

    :param prompt: as the model gets it, to the letter.
    :param chosen: the better completion, without the blanks and the line break around it.
    :param rejected: the other, alike.
    :param source: name of the source it came from.
    :param document: what must not be torn apart by a split.
    """

    id: str
    prompt: str
    chosen: str
    rejected: str
    source: str
    document: str

    def sides(self) -> tuple[Side, Side]:
        """Chosen and rejected."""
        return Side(self.prompt, self.chosen), Side(self.prompt, self.rejected)


def write_pairs(file: Path, pairs: Iterable[PreferencePair]) -> None:
    """One JSON object a line."""
    write_json_lines(file, pairs)


def read_pairs(file: Path) -> list[PreferencePair]:
    """The pairs of a file that :func:`write_pairs` wrote.

    :raises ExallmError: E-EXALLM-DATA-4 where a line is not one.
    """
    return list(read_json_lines(file, lambda fields: PreferencePair(**fields), "a pair"))
