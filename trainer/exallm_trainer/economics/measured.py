"""What was measured: rows of the table RUNS, and the hours of training runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.run_folder import RUN_FILE, RunFolder
from exallm_udfs.errors import ExallmError

_COLUMNS = ("DONE_ROWS", "ERROR_ROWS", "PROMPT_TOKENS", "COMPLETION_TOKENS", "SECONDS")


@dataclass(frozen=True)
class BatchRuns:
    """Means over the rows that were answered; rows with an error count in the seconds only."""

    runs: int
    rows: int
    prompt_tokens: float
    completion_tokens: float
    rows_per_second: float


def read_batch_runs(file: Path) -> BatchRuns:
    """The table RUNS, or some rows of it, as a ``.csv`` or ``.json`` file.

    JSON is a list of objects. Case of names does not count, and other columns may be there.

    :raises ExallmError: E-EXALLM-TRAIN-41 where it cannot be read or holds no answered row.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        found = _csv(text) if file.suffix.casefold() == ".csv" else _json(text)
        rows = [_row(number, values) for number, values in enumerate(found, start=1)]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise _unreadable(str(file), str(error) or type(error).__name__) from error
    worked = [row for row in rows if row["DONE_ROWS"] > 0]
    total = {name: sum(row[name] for row in worked) for name in _COLUMNS}
    answered = total["DONE_ROWS"] - total["ERROR_ROWS"] if worked else 0.0
    if answered <= 0 or total["SECONDS"] <= 0:
        raise _unreadable(str(file), "no run in it has answered a row")
    return BatchRuns(
        runs=len(worked),
        rows=int(answered),
        prompt_tokens=total["PROMPT_TOKENS"] / answered,
        completion_tokens=total["COMPLETION_TOKENS"] / answered,
        rows_per_second=answered / total["SECONDS"],
    )


def training_hours(runs: Iterable[Path]) -> float:
    """Of run folders together, whatever became of the runs.

    :raises ExallmError: E-EXALLM-TRAIN-41 where one is no run folder, or did not end.
    """
    seconds = 0.0
    for run in runs:
        try:
            record = RunFolder(run).read()
            if record is None or record["state"] == "running":
                raise _unreadable(str(run), "it is no run that has ended")
            seconds += float(record["seconds"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _unreadable(str(run), f"its {RUN_FILE} is broken") from error
    return seconds / 3600


def _csv(text: str) -> list[Mapping[str, Any]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def _json(text: str) -> list[Mapping[str, Any]]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError("a list of objects is expected")
    return values


def _row(number: int, values: Mapping[str, Any]) -> dict[str, float]:
    known = {str(name).upper(): value for name, value in values.items()}
    missing = [name for name in _COLUMNS if known.get(name) in (None, "")]
    if missing:
        raise ValueError(f"row {number} has no {missing[0]}")
    numbers = {name: float(known[name]) for name in _COLUMNS}
    for name, value in numbers.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"row {number} has {value} as {name}")
    return numbers


def _unreadable(place: str, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-41",
        f"nothing can be measured from {place}: {problem}",
        f"name an export of RUNS with {', '.join(_COLUMNS)}, or run folders that ended",
    )
