"""The folder of a run: who is training in it, how it went, and every figure of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from exallm_udfs.errors import ExallmError

RUN_FILE = "run.json"
CARD_FILE = "card.json"
FORMER_CARD_FILE = "former-card.json"
METRICS_FILE = "metrics.jsonl"
BEST_FOLDER = "best"
CHECKPOINTS_FOLDER = "checkpoints"
ADAPTER_FILE = "adapter_model.safetensors"
"""The weights of an adapter, as PEFT names them."""
_LOCK_FILE = ".lock"


class RunFolder:
    """A run: ``run.json``, ``card.json``, ``metrics.jsonl``, ``checkpoints/`` and ``best/``.

    What is written raises E-EXALLM-TRAIN-6 where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def best(self) -> Path:
        """The checkpoint that validation chose, in the form that transformers or PEFT loads."""
        return self.path / BEST_FOLDER

    @property
    def checkpoints(self) -> Path:
        """What a run continues from."""
        return self.path / CHECKPOINTS_FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out while the block runs; a killed process leaves nothing behind.

        :raises ExallmError: E-EXALLM-TRAIN-5 where another process trains in the folder.
        """
        with disk_refusals(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            opened = (self.path / _LOCK_FILE).open("w")
        with opened as lock:
            if not _try_lock(lock):
                raise ExallmError(
                    "E-EXALLM-TRAIN-5",
                    f"another run is training in {self.path}",
                    "wait for it, or name another folder",
                )
            yield

    def read(self) -> dict[str, Any] | None:
        """What ``run.json`` says, or None in a new folder."""
        file = self.path / RUN_FILE
        if not file.is_file():
            return None
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return values

    def seen(self) -> str:
        """A run's record and checkpoints in one text, which is another where they are others."""
        file = self.path / RUN_FILE
        record = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        return " ".join([record, *sorted(each.name for each in self.checkpoints.glob("step-*"))])

    def write(self, values: dict[str, Any]) -> None:
        """Write ``run.json``, whole or not at all."""
        self._write(RUN_FILE, json.dumps(values, indent=2, sort_keys=True) + "\n")

    def keep_cards(self, card: str, former: str | None) -> None:
        """Write ``card.json`` and, where there are former data, ``former-card.json``."""
        self._write(CARD_FILE, card)
        if former is not None:
            self._write(FORMER_CARD_FILE, former)

    def keep_metrics_until(self, step: int) -> None:
        """Drop the lines of steps after ``step``, which a continued run computes again."""
        file = self.path / METRICS_FILE
        if file.is_file():
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and _step(line) <= step]
            self._write(METRICS_FILE, "".join(kept))

    def log(self, values: dict[str, float | int]) -> None:
        """Add a line to ``metrics.jsonl``."""
        file = self.path / METRICS_FILE
        with disk_refusals(file), file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(values) + "\n")

    def _write(self, name: str, text: str) -> None:
        with disk_refusals(self.path / name):
            write_whole(self.path / name, text)


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never a part."""
    scratch = file.with_name(file.name + ".new")
    with scratch.open("w", encoding="utf-8") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    scratch.replace(file)


def disk_refused(target: Path, error: Exception) -> ExallmError:
    """The error for a disk that does not take what a run writes."""
    problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ExallmError(
        "E-EXALLM-TRAIN-6",
        f"{target} cannot be written: {problem}",
        "make room, or name a folder that can be written; a run goes on by the same command",
    )


@contextmanager
def disk_refusals(target: Path) -> Iterator[None]:
    """Tell what the disk refuses in the block as E-EXALLM-TRAIN-6."""
    try:
        yield
    except OSError as error:
        raise disk_refused(target, error) from error


def _step(line: str) -> int:
    return int(json.loads(line)["step"])


def _try_lock(lock: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
