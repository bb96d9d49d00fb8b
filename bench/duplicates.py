"""Every prompt ten times: collapsing equal prompts, on against off, without sharing prefixes."""

from __future__ import annotations

from bench.measurement import share_equal
from bench.on_off import compare
from bench.questions import copied, shuffled, spread_by_length
from bench.result import Result
from bench.workbench import Workbench

_SEED = 10


def measure(bench: Workbench) -> list[Result]:
    """How many times as fast collapsing makes the same rows."""
    distinct = spread_by_length(bench.questions, bench.settings.distinct_prompts)
    questions = shuffled(copied(distinct, bench.settings.copies), _SEED)
    bench.database.load(questions)
    on = {"collapse_duplicates": True, "share_prefixes": False}
    off = {"collapse_duplicates": False, "share_prefixes": False}
    found = compare(bench, "duplicates", on, off)
    equal = share_equal(found.on_answers, found.off_answers)
    return [
        Result(
            "duplicates",
            found.ratio,
            f"{found.on_rate:.1f} rows/s against {found.off_rate:.1f}, whole statements; "
            f"{len(distinct)} prompts {bench.settings.copies} times; "
            f"equal answers {100 * equal:.0f}%",
        )
    ]
