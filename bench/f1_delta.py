"""What the default engine's 8 bits cost: its F1 minus that of torch fp32 on the same weights.

Both sides get the same prompts and the same rule for where an answer ends.
"""

from __future__ import annotations

from itertools import groupby

from bench.measurement import share_equal
from bench.result import Result
from bench.workbench import Workbench
from exallm_udfs.bootstrap import paired_interval
from exallm_udfs.metrics import f1_score

_GROUPS_AT_ONCE = 20


def measure(bench: Workbench) -> list[Result]:
    """The mean difference in points, with its paired 95% interval."""
    bench.say("F1: the default engine")
    bench.database.load(bench.questions)
    given = bench.database.answer_scalar().rows
    ours = [given[question.row_id]["ANSWER"] or "" for question in bench.questions]
    theirs = _reference_answers(bench)
    accepted = [question.answers for question in bench.questions]
    ours_f1 = [100 * f1_score(text, right) for text, right in zip(ours, accepted, strict=True)]
    theirs_f1 = [100 * f1_score(text, right) for text, right in zip(theirs, accepted, strict=True)]
    interval = paired_interval(theirs_f1, ours_f1)
    count = len(bench.questions)
    return [
        Result(
            "int8_f1_delta",
            interval.mean,
            f"95% interval {interval.low:.2f} to {interval.high:.2f}; "
            f"F1 {sum(ours_f1) / count:.2f} against "
            f"{sum(theirs_f1) / count:.2f} of torch fp32; {count} questions; "
            f"equal answers {100 * share_equal(ours, theirs):.0f}%",
        )
    ]


def _reference_answers(bench: Workbench) -> list[str]:
    groups = [
        [bench.database.prompt(question) for question in passage]
        for _, passage in groupby(bench.questions, key=lambda question: question.document)
    ]
    texts: list[str] = []
    with bench.torch_reference() as reference:
        for start in range(0, len(groups), _GROUPS_AT_ONCE):
            bench.say(f"F1: torch fp32, passage {start + 1} of {len(groups)}")
            reply = reference.ask(
                {
                    "groups": groups[start : start + _GROUPS_AT_ONCE],
                    "max_new_tokens": bench.max_new_tokens,
                    "stop": list(bench.stop),
                }
            )
            texts += [text for group in reply["groups"] for text in group]
    return [bench.answer(text) for text in texts]
