"""LoRA training beside TRL: the same examples, base and adapter, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.environments import TRAINER
from bench.program import Program
from bench.questions import Question
from bench.result import Result
from bench.training_bench import TrainingBench

_PASSAGES_A_STEP = 3
_TRL_BATCH = 8


def measure(bench: TrainingBench) -> list[Result]:
    """Tokens of the examples a second, each example written out whole and without padding."""
    python = TRAINER.python(bench.folder, bench.say)
    runs = bench.folder / "training"
    runs.mkdir(exist_ok=True)
    arguments = [bench.gguf, runs]
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for number in range(bench.settings.rounds):
        bench.say(f"training speed, round {number + 1} of {bench.settings.rounds}")
        ours.append(_ask(python, "exallm_lora", arguments, bench, _our_request(bench)))
        theirs.append(_ask(python, "trl_lora", arguments, bench, _their_request(bench)))
    our_rate, their_rate = _rate(ours, "example_tokens"), _rate(theirs, "example_tokens")
    computed = _rate(ours, "computed_tokens")
    detail = (
        f"{our_rate:.0f} against {their_rate:.0f} tokens of examples a second; exallm computes"
        f" what questions about a passage share once, {computed:.0f} tokens a second in fact;"
        f" {ours[0]['steps']} and {theirs[0]['steps']} steps"
    )
    return [Result("tokens_per_s_vs_trl", our_rate / their_rate, detail)]


def _our_request(bench: TrainingBench) -> dict[str, Any]:
    """As many passages as the steps take, with all their questions."""
    contexts: dict[str, None] = {}
    for question in bench.training:
        contexts.setdefault(question.context)
    chosen = set(list(contexts)[: bench.settings.steps * _PASSAGES_A_STEP])
    rows = [question for question in bench.training if question.context in chosen]
    return {"examples": examples_of(rows), "samples_per_step": _PASSAGES_A_STEP}


def _their_request(bench: TrainingBench) -> dict[str, Any]:
    rows = bench.training[: bench.settings.steps * _TRL_BATCH]
    return {"examples": examples_of(rows), "steps": bench.settings.steps}


def examples_of(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The questions as programs of the trainer take them."""
    return [
        {
            "id": question.row_id,
            "context": question.context,
            "question": question.question,
            "answers": list(question.answers),
            "source": "bench",
            "document": str(question.document),
        }
        for question in questions
    ]


def _ask(
    python: Path,
    name: str,
    arguments: Sequence[Path],
    bench: TrainingBench,
    request: dict[str, Any],
) -> dict[str, Any]:
    with Program(python, name, arguments, bench.folder / "logs") as program:
        return program.ask(request)


def _rate(rounds: Sequence[dict[str, Any]], tokens: str) -> float:
    return float(median(reply[tokens] / reply["seconds"] for reply in rounds))
