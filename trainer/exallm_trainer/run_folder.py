"""The folder of a run: who is training in it, how it went, and every figure of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from exallm_udfs.errors import ExallmError

RUN_FILE = "run.json"
CARD_FILE = "card.json"
METRICS_FILE = "metrics.jsonl"
BEST_FOLDER = "best"
CHECKPOINTS_FOLDER = "checkpoints"
ADAPTER_FILE = "adapter_model.safetensors"
"""The weights of an adapter, as PEFT names them."""
_LOCK_FILE = ".lock"


class RunFolder:
    """A run: ``run.json``, ``card.json``, ``metrics.jsonl``, ``checkpoints/`` and ``best/``."""

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
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK_FILE).open("w") as lock:
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

    def write(self, values: dict[str, Any]) -> None:
        """Write ``run.json``, whole or not at all."""
        write_whole(self.path / RUN_FILE, json.dumps(values, indent=2, sort_keys=True) + "\n")

    def keep_card(self, text: str) -> None:
        """Write ``card.json``: what the data were made from."""
        write_whole(self.path / CARD_FILE, text)

    def keep_metrics_until(self, step: int) -> None:
        """Drop the lines of steps after ``step``, which a continued run computes again."""
        file = self.path / METRICS_FILE
        if file.is_file():
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and _step(line) <= step]
            write_whole(file, "".join(kept))

    def log(self, values: dict[str, float | int]) -> None:
        """Add a line to ``metrics.jsonl``."""
        with (self.path / METRICS_FILE).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(values) + "\n")


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never a part."""
    scratch = file.with_name(file.name + ".new")
    with scratch.open("w", encoding="utf-8") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    scratch.replace(file)


def _step(line: str) -> int:
    return int(json.loads(line)["step"])


def _try_lock(lock: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
