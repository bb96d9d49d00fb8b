"""``report.html``: all that a run, its evaluations and its economics tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from exallm_trainer.data.card import DataCard, read_card
from exallm_trainer.economics.economics import Economics
from exallm_trainer.evaluate.evaluation_folder import (
    EVALUATION_FILE,
    ReadEvaluation,
    read_evaluation,
)
from exallm_trainer.json_values import from_json
from exallm_trainer.run_folder import CARD_FILE, METRICS_FILE, RUN_FILE, RunFolder, write_whole
from exallm_trainer.run_report.data_section import data_section
from exallm_trainer.run_report.economics_section import economics_section
from exallm_trainer.run_report.evaluation_section import evaluation_section, recorded_section
from exallm_trainer.run_report.html import page
from exallm_trainer.run_report.run_section import curves_section, recipe_section, run_section
from exallm_trainer.train.run_record import RunRecord, read_record
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class ReportRequest:
    """What to show.

    :param evaluations: folders that ``exallm evaluate --out`` wrote.
    :param economics: a file that ``exallm economics --out`` wrote, None for none.
    """

    run: Path
    evaluations: Sequence[Path] = ()
    economics: Path | None = None


def write_report(request: ReportRequest, file: Path) -> None:
    """Write the report, whole or not at all.

    :raises ExallmError: E-EXALLM-TRAIN-42 where something cannot be read, or the file not written.
    """
    text = report_text(request)
    try:
        write_whole(file, text)
    except OSError as error:
        raise _refused(f"{file} cannot be written: {error.strerror}") from error


def report_text(request: ReportRequest) -> str:
    """The report as HTML.

    :raises ExallmError: E-EXALLM-TRAIN-42 where something of it cannot be read.
    """
    evaluations = [read_evaluation(folder) for folder in request.evaluations]
    folder = RunFolder(request.run)
    record = _record(folder)
    name = request.run.resolve().name
    sections = _sections(
        name,
        record,
        _card(request.run),
        _metrics(request.run),
        _recorded(request.run),
        evaluations,
        _economics(request.economics),
    )
    return page(f"Run {name}", sections)


def _sections(
    name: str,
    record: RunRecord,
    card: DataCard | None,
    metrics: Sequence[dict[str, Any]],
    recorded: Sequence[dict[str, Any]],
    evaluations: Sequence[ReadEvaluation],
    economics: Economics | None,
) -> Iterator[Element]:
    yield run_section(name, record)
    yield recipe_section(record)
    yield data_section(card)
    yield curves_section(record, metrics)
    yield recorded_section(recorded)
    for evaluation in evaluations:
        yield evaluation_section(evaluation)
    if economics is not None:
        yield economics_section(economics)


def _record(folder: RunFolder) -> RunRecord:
    try:
        record = read_record(folder)
    except (OSError, ValueError) as error:
        raise _refused(f"{RUN_FILE} of {folder.path} is broken: {error}") from error
    if record is None:
        raise _refused(f"{folder.path} has no {RUN_FILE}")
    return record


def _card(run: Path) -> DataCard | None:
    try:
        return read_card(run)
    except (OSError, ValueError) as error:
        raise _refused(f"{CARD_FILE} of {run} is broken: {error}") from error


def _metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of all steps; the last one of a killed run may be cut off, and is left out."""
    file = run / METRICS_FILE
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        if not all(isinstance(line, dict) and "step" in line for line in lines):
            raise ValueError("a line is no step")
        return lines
    except (OSError, ValueError) as error:
        raise _refused(f"{METRICS_FILE} of {run} is broken: {error}") from error


def _recorded(run: Path) -> list[dict[str, Any]]:
    """Figures that ``exallm evaluate --record`` and ``exallm package`` left in the run folder."""
    file = run / EVALUATION_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValueError("a list of figures is expected")
        return found
    except (OSError, ValueError) as error:
        raise _refused(f"{EVALUATION_FILE} of {run} is broken: {error}") from error


def _economics(file: Path | None) -> Economics | None:
    if file is None:
        return None
    try:
        return from_json(Economics, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _refused(f"{file} is no file of exallm economics --out: {error}") from error


def _refused(problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-42",
        f"no report can be made: {problem}",
        "name a run folder of exallm train, and files that exallm wrote",
    )
