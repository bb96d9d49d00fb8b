"""The same statement with an option on and off, in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.database import Answers
from bench.measurement import Timed, median_rate, ratio
from bench.workbench import Workbench


@dataclass(frozen=True)
class OnOff:
    """Rates in rows a second, and the answers of the last round in the order of row ids."""

    on: Sequence[Timed]
    off: Sequence[Timed]
    on_answers: Sequence[str | None]
    off_answers: Sequence[str | None]

    @property
    def ratio(self) -> float:
        return ratio(self.on, self.off)

    @property
    def on_rate(self) -> float:
        return median_rate(self.on)

    @property
    def off_rate(self) -> float:
        return median_rate(self.off)


def compare(
    bench: Workbench, name: str, on: Mapping[str, object], off: Mapping[str, object]
) -> OnOff:
    """AI_ANSWER_BATCH over the loaded rows with both sets of options, round by round."""
    timed: dict[bool, list[Timed]] = {True: [], False: []}
    answers: dict[bool, list[str | None]] = {}
    for number in range(bench.settings.rounds):
        bench.say(f"{name}, round {number + 1} of {bench.settings.rounds}")
        for is_on, options in ((True, on), (False, off)):
            given = bench.database.answer_batch(
                bench.settings.processes, {**bench.process_options, **options}
            )
            timed[is_on].append(Timed(len(given.rows), given.seconds))
            answers[is_on] = _in_order(given)
    return OnOff(timed[True], timed[False], answers[True], answers[False])


def _in_order(given: Answers) -> list[str | None]:
    return [given.rows[row_id]["ANSWER"] for row_id in sorted(given.rows)]
