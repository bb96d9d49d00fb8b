"""An encoder that learns to point at answers, beside the shipped adapter, both asked in SQL."""

from __future__ import annotations

import shutil

from bench.answer_scores import answer_scores
from bench.database import add_model, open_database
from bench.environments import PACKAGER
from bench.program import Program
from bench.result import Result
from bench.training_bench import TrainingBench

_POINTING, _WRITING = "pointing", "tuned"


def measure(bench: TrainingBench) -> list[Result]:
    """F1 on the held-out questions; the run stays in ``.bench/span`` for a look."""
    home, folder = bench.folder / "home", bench.folder / "span"
    shutil.rmtree(folder, ignore_errors=True)
    python = PACKAGER.python(bench.folder, bench.say)
    bench.say("an encoder learns to point at answers")
    request = {
        "training": str(bench.training_file),
        "held_out": str(bench.held_out_file),
        "folder": str(folder),
        "models": str(home / "models"),
    }
    with Program(python, "span_run", [], bench.folder / "logs") as program:
        reply = program.ask(request)
    with open_database(home, bench.settings.processes) as database:
        add_model(home, reply["run"], _POINTING)
        add_model(home, "smollm2-qa", _WRITING)
        database.load(bench.held_out)
        answers = {}
        for model in (_POINTING, _WRITING):
            bench.say(f"asking {model} {len(bench.held_out)} questions")
            answers[model] = database.answer_batch(bench.settings.processes, {"model": model})
    scores = answer_scores(answers[_POINTING], bench.held_out)
    count = len(bench.held_out)
    f1, exact = (sum(score[n] for score in scores) / count for n in (0, 1))
    rates = {model: count / given.seconds for model, given in answers.items()}
    detail = (
        f"exact match {exact:.1f}; {reply['questions']} questions, {reply['steps']} steps in"
        f" {reply['seconds']:.0f} s, {100 * reply['exact']:.1f}% of the validation answers exact;"
        f" {count} held-out questions at {rates[_POINTING]:.1f} rows a second, the shipped adapter"
        f" at {rates[_WRITING]:.1f}, loading included"
    )
    return [Result("span_f1", f1, detail)]
