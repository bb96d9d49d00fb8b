"""The shipped adapter beside its base on held-out questions, both asked in SQL."""

from __future__ import annotations

from bench.answer_scores import answer_scores
from bench.database import Database, add_model, open_database
from bench.result import Result
from bench.training_bench import TrainingBench
from exallm_udfs.bootstrap import paired_interval

_BASE, _TUNED = "base", "tuned"


def measure(bench: TrainingBench) -> list[Result]:
    """F1 and exact match of both, and the paired interval of the gain, in points."""
    home = bench.folder / "home"
    with open_database(home, bench.settings.processes) as database:
        add_model(home, "smollm2", _BASE)
        add_model(home, "smollm2-qa", _TUNED)
        database.load(bench.held_out)
        base = _scores(bench, database, _BASE)
        tuned = _scores(bench, database, _TUNED)
    gain = paired_interval([score[0] for score in base], [score[0] for score in tuned])
    count = len(bench.held_out)
    f1, em = (sum(score[n] for score in tuned) / count for n in (0, 1))
    f1_base, em_base = (sum(score[n] for score in base) / count for n in (0, 1))
    how = f"{count} questions, AI_ANSWER_BATCH in SQL"
    interval = f"gain {gain.mean:.1f} points, 95% interval {gain.low:.1f} to {gain.high:.1f}"
    return [
        Result("f1_tuned", f1, how),
        Result("em_tuned", em, how),
        Result("f1_base", f1_base, f"four examples in its prompt; exact match {em_base:.1f}"),
        Result("gain_low", gain.low, interval),
    ]


def _scores(bench: TrainingBench, database: Database, model: str) -> list[tuple[float, float]]:
    """F1 and exact match of each question, in points."""
    bench.say(f"asking {model} {len(bench.held_out)} questions")
    answers = database.answer_batch(bench.settings.processes, {"model": model})
    return answer_scores(answers, bench.held_out)
