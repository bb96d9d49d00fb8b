"""Five questions a passage, arriving shuffled: sharing what prompts begin with, on against off."""

from __future__ import annotations

from bench.measurement import share_equal
from bench.on_off import compare
from bench.questions import five_a_passage, shuffled
from bench.result import Result
from bench.workbench import Workbench

_SEED = 20


def measure(bench: Workbench) -> list[Result]:
    """How many times as fast ordering and sharing make the same rows."""
    questions = shuffled(five_a_passage(bench.questions, bench.settings.passages), _SEED)
    bench.database.load(questions)
    found = compare(bench, "prefix", {"share_prefixes": True}, {"share_prefixes": False})
    equal = share_equal(found.on_answers, found.off_answers)
    return [
        Result(
            "prefix",
            found.ratio,
            f"{found.on_rate:.1f} rows/s against {found.off_rate:.1f}, whole statements; "
            f"{len(questions)} rows shuffled, five a passage; equal answers {100 * equal:.0f}%",
        )
    ]
