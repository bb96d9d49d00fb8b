"""From nothing to an answer: a statement of one row, whose UDF process starts and loads the model.

Every statement has processes of its own. The model's file is in the file system's cache, as it is
on a node that has answered before.
"""

from __future__ import annotations

from statistics import median

from bench.result import Result
from bench.workbench import Workbench


def measure(bench: Workbench) -> list[Result]:
    """The median of a few statements, in seconds, as a client sees them."""
    bench.say("first answer")
    bench.database.load(bench.questions[:1])
    bench.database.answer_scalar()
    seconds = [bench.database.answer_scalar().seconds for _ in range(bench.settings.first_answers)]
    return [
        Result(
            "first_answer_s",
            median(seconds),
            f"{len(seconds)} statements of one row, {min(seconds):.2f} to {max(seconds):.2f} s "
            "through pyexasol",
        )
    ]
