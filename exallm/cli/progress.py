"""Progress on standard error: a line that changes, and silence where nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

_MEBIBYTE = 1 << 20


class Progress:
    """What a long command tells of its work."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def step(self, text: str) -> None:
        """Name the step that begins."""
        self._status.update(text)

    def uploaded(self, file: str, done: int, size: int) -> None:
        """Tell how far an upload is, in bytes."""
        self._status.update(f"uploading {file}: {done // _MEBIBYTE} of {size // _MEBIBYTE} MiB")


@contextmanager
def progress(first: str) -> Iterator[Progress]:
    """Show progress while the block runs; a terminal sees it, a pipe does not."""
    with Console(stderr=True).status(first) as status:
        yield Progress(status)
