"""Preference pairs in tables: a prompt, a completion that is chosen, and one that is rejected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exallm_trainer.data.rows import Columns, Row, pair_reader, text_digest
from exallm_trainer.data.table_source import TableSource
from exallm_trainer.preference_pair import PreferencePair


@dataclass(frozen=True)
class PairsSource:
    """A table with ``prompt``, ``chosen`` and ``rejected``, as :class:`TableSource` reads files.

    ``document`` (or ``title``) says what a split keeps together, else the prompt does.
    """

    name: str
    file: Path
    licence: str | None = None

    @property
    def location(self) -> str:
        return self._table.location

    def sha256(self) -> str:
        """Of the file."""
        return self._table.sha256()

    def pairs(self) -> Iterator[PreferencePair]:
        """Each row, as it stands there.

        :raises ExallmError: E-EXALLM-DATA-1, -2, -3, -6, -8 or -9.
        """
        return self._table.read(self._pairs)

    @property
    def _table(self) -> TableSource:
        return TableSource(self.name, self.file, Columns())

    def _pairs(self, present: Sequence[str], rows: Iterator[Row]) -> Iterator[PreferencePair]:
        reader = pair_reader(self.name, present)
        for number, row in enumerate(rows, start=1):
            prompt = reader.text(row, "prompt", number)
            yield PreferencePair(
                id=reader.text(row, "id", number) or f"{self.name} {number}",
                prompt=prompt,
                chosen=reader.text(row, "chosen", number).strip(),
                rejected=reader.text(row, "rejected", number).strip(),
                source=self.name,
                document=reader.text(row, "document", number) or f"prompt {text_digest(prompt)}",
            )
