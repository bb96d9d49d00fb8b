"""The folder of an evaluation: ``evaluation.json``, ``answers.jsonl`` and ``report.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exallm_trainer.evaluate.comparison import Comparison, Pair, pairs_of
from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.report import Table, tables_of
from exallm_trainer.json_values import from_json
from exallm_trainer.run_folder import write_whole
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import PLACEHOLDER

EVALUATION_FILE = "evaluation.json"
ANSWERS_FILE = "answers.jsonl"
REPORT_FILE = "report.md"
COMPARISON_FILE = "comparison.json"
BASE_FOLDER = "base"


@dataclass(frozen=True)
class ReadEvaluation:
    """What a folder holds.

    :param base: the other model's evaluation, and the comparison with it; None without one.
    """

    evaluation: Evaluation
    base: Evaluation | None
    comparison: Comparison | None


def require_new(folder: Path) -> None:
    """Refuse a folder that holds something: no evaluation is lost to another one.

    :raises ExallmError: E-EXALLM-TRAIN-26.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _unwritable(folder, "there is something in it")


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    base: Evaluation | None = None,
    comparison: Comparison | None = None,
) -> None:
    """Write the folder; a base's own evaluation goes into ``base/``.

    :raises ExallmError: E-EXALLM-TRAIN-26 where something is in it, or the disk refuses.
    """
    require_new(folder)
    try:
        _write_one(folder, evaluation)
        if base is not None:
            _write_one(folder / BASE_FOLDER, base)
        if comparison is not None:
            write_whole(folder / COMPARISON_FILE, _json(comparison.values()))
        write_whole(folder / REPORT_FILE, report_text(evaluation, base, comparison))
    except OSError as error:
        raise _unwritable(folder, str(error.strerror)) from error


def read_evaluation(folder: Path) -> ReadEvaluation:
    """What :func:`write_evaluation` wrote, with every answer; needs no model and no torch.

    :raises ExallmError: E-EXALLM-TRAIN-42 where it cannot be read.
    """
    try:
        evaluation = _read_one(folder)
        if not (folder / COMPARISON_FILE).is_file():
            return ReadEvaluation(evaluation, None, None)
        base = _read_one(folder / BASE_FOLDER)
        values = json.loads((folder / COMPARISON_FILE).read_text(encoding="utf-8"))
        comparison = from_json(Comparison, {**values, "pairs": []})
        pairs: tuple[Pair, ...] = pairs_of(base, evaluation)
        return ReadEvaluation(evaluation, base, replace(comparison, pairs=pairs))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ExallmError(
            "E-EXALLM-TRAIN-42",
            f"{folder} is no folder of an evaluation: {error}",
            "name a folder that exallm evaluate --out wrote",
        ) from error


def record_figures(run: Path, evaluation: Evaluation) -> None:
    """Add the figures to the ``evaluation.json`` of a run folder, which goes into its package.

    Earlier figures of the same set give way.

    :raises ExallmError: E-EXALLM-TRAIN-26 where it cannot be read or written.
    """
    file = run / EVALUATION_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
        kept = [figures for figures in found if figures["data"] != evaluation.data]
        write_whole(file, _json([*kept, evaluation.figures()]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unwritable(run, f"its {EVALUATION_FILE} is not as it should be") from error


def report_text(
    evaluation: Evaluation, base: Evaluation | None = None, comparison: Comparison | None = None
) -> str:
    """The report in Markdown."""
    parts = [f"# {evaluation.model} on {evaluation.data}\n", _how(evaluation)]
    if base is not None:
        parts += [f"Compared with {base.model}.\n", _how(base)]
    parts += [_markdown(table) for table in tables_of(evaluation, base, comparison)]
    parts.append(
        "Figures are in points of 100; in brackets 95% bootstrap intervals, of gains paired."
        " ✓ is an F1 of 100, ✗ one of 0.\n"
    )
    return "\n".join(parts)


def _write_one(folder: Path, evaluation: Evaluation) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    values = evaluation.values()
    answers = values.pop("answers")
    lines = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
    write_whole(folder / ANSWERS_FILE, lines)
    write_whole(folder / EVALUATION_FILE, _json(values))


def _read_one(folder: Path) -> Evaluation:
    values = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    lines = (folder / ANSWERS_FILE).read_text(encoding="utf-8").split("\n")
    return from_json(Evaluation, {**values, "answers": [json.loads(x) for x in lines if x]})


def _how(evaluation: Evaluation) -> str:
    lines = [
        f"- questions: sha256 `{evaluation.data_sha256}`",
        f"- evaluated at {evaluation.evaluated_at}",
    ]
    computed = evaluation.computed
    if computed is None:
        return "\n".join([*lines, "- answers were given, not computed here\n"])
    on_base = "" if computed.base_sha256 is None else f", on a base of `{computed.base_sha256}`"
    lines += [
        f"- weights: sha256 `{computed.sha256}`{on_base}",
        f"- {computed.way()}, {computed.precision} on {computed.device}, {computed.seconds:.0f} s",
    ]
    if computed.decoding is None:
        return "\n".join([*lines, "- asked with question and context as they are\n"])
    template = computed.decoding.template
    if template == PLACEHOLDER:
        return "\n".join([*lines, "- asked with the question's prompt alone\n"])
    return "\n".join([*lines, f"- asked with this template:\n\n```text\n{template}\n```\n"])


def _markdown(table: Table) -> str:
    lines = [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows)]
    return f"## {table.title}\n\n" + "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    """A row; what would end a cell or begin markup is escaped."""
    texts = (" ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(text.replace('<', '&lt;') for text in texts)} |"


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _unwritable(folder: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-26",
        f"no evaluation can be written to {folder}: {problem}",
        "name a new folder on a disk with room",
    )
