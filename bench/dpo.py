"""Preference optimisation of the shipped adapter, with pairs from its own wrong answers in SQL."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.database import Database, add_model, open_database
from bench.environments import TRAINER
from bench.program import Program
from bench.project import PROJECT
from bench.questions import Question
from bench.result import Result
from bench.training_bench import TrainingBench
from bench.training_speed import examples_of
from exallm_udfs.bootstrap import mean_interval

_STEPS = 60
_PAIRS_A_STEP = 4
# About every eleventh gives a pair: the adapter was trained on these articles.
_ASKED = 3_200
_TUNED = "tuned"
_ADAPTER = PROJECT / "trainer" / "runs" / "qa" / "best"


def measure(bench: TrainingBench) -> list[Result]:
    """The reward margin on pairs of held-out articles, over that before the first step."""
    asked = bench.training[:_ASKED]
    home = bench.folder / "home"
    with open_database(home, bench.settings.processes) as database:
        add_model(home, "smollm2-qa", _TUNED)
        request = {
            "training": _answered(bench, database, asked),
            "held_out": _answered(bench, database, bench.held_out),
        }
    bench.say(f"{_STEPS} steps on preference pairs")
    python = TRAINER.python(bench.folder, bench.say)
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        Program(python, "dpo_run", [bench.gguf, _ADAPTER], bench.folder / "logs") as program,
    ):
        limits = {"steps": _STEPS, "pairs_per_step": _PAIRS_A_STEP, "folder": str(Path(folder))}
        reply = program.ask(request | limits)
    margins = reply["margins"]
    gain = mean_interval(margins)
    preferred = sum(margin > 0 for margin in margins) / len(margins)
    detail = (
        f"margin {gain.mean:.3f}, 95% interval {gain.low:.3f} to {gain.high:.3f}, from 0 at the"
        f" start; {reply['steps']} steps on {reply['pairs']} pairs, judged on {len(margins)} pairs"
        f" of held-out articles; {100 * preferred:.0f}% of them moved as they should; pairs are"
        " wrong answers of the shipped adapter in SQL"
    )
    return [Result("dpo_margin", gain.low, detail)]


def _answered(
    bench: TrainingBench, database: Database, questions: Sequence[Question]
) -> dict[str, Any]:
    """The questions as the trainer takes them, and what the adapter answers."""
    bench.say(f"asking the shipped adapter {len(questions)} questions")
    database.load(questions)
    rows = database.answer_batch(bench.settings.processes, {"model": _TUNED}).rows
    return {
        "examples": examples_of(questions),
        "answers": [rows[question.row_id]["ANSWER"] for question in questions],
    }
