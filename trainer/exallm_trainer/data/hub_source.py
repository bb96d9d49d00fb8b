"""Datasets of the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from exallm_trainer.data.document import Document
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.rows import Columns, RowReader, row_reader
from exallm_trainer.data.rows_sha256 import rows_sha256
from exallm_udfs.errors import ExallmError

_NAME = re.compile(
    r"(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?:#(?P<subset>[\w.-]+))?(?:@(?P<split>[^@]+))?"
)
_SECONDS = 15.0


@dataclass(frozen=True)
class HubSource:
    """``owner/name#subset@split``; without a split it is ``train``.

    No code of a dataset is run: the library reads data files only.
    """

    name: str
    location: str
    columns: Columns
    stated_licence: str | None = None

    @property
    def licence(self) -> str | None:
        """As the request says, else as the dataset's card does."""
        if self.stated_licence is not None:
            return self.stated_licence
        return str(self._dataset.info.license) if self._dataset.info.license else None

    def sha256(self) -> str:
        """Of the columns that are read, row by row."""
        return rows_sha256(self._reader, self._rows())

    def documents(self, drops: Drops) -> Iterator[Document]:
        """As :meth:`exallm_trainer.data.rows.RowReader.documents` makes them of the rows.

        :raises ExallmError: E-EXALLM-DATA-2, -3, -5 or -10.
        """
        return self._reader.documents(self._rows())

    @cached_property
    def _reader(self) -> RowReader:
        return row_reader(self.name, self._dataset.column_names, self.columns)

    @cached_property
    def _dataset(self) -> Any:
        match = _NAME.fullmatch(self.location)
        if match is None:
            raise ExallmError(
                "E-EXALLM-DATA-5",
                f"{self.location!r} is no dataset of the Hub",
                "write owner/name, owner/name@split or owner/name#subset@split",
            )
        import httpx
        from datasets import DownloadConfig, disable_progress_bars, load_dataset
        from huggingface_hub import HfApi, constants

        # Progress is told by who asked for the data.
        disable_progress_bars()
        repository, subset = match["repository"], match["subset"]
        try:
            # Asking once, with a limit, says within seconds that there is no network.
            revision = (
                None
                if constants.HF_HUB_OFFLINE
                else HfApi().dataset_info(repository, timeout=_SECONDS).sha
            )
            return load_dataset(
                repository,
                subset,
                split=match["split"] or "train",
                revision=revision,
                download_config=DownloadConfig(max_retries=1),
            )
        except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
            problem = (str(error) or type(error).__name__).splitlines()[0]
            raise ExallmError(
                "E-EXALLM-DATA-10",
                f"the Hub does not give {self.location}: {problem}",
                "check its name and split, and that there is a network",
            ) from error

    def _rows(self) -> Iterator[dict[str, Any]]:
        columns = sorted(set(self._reader.columns.values()))
        yield from self._dataset.select_columns(columns)
