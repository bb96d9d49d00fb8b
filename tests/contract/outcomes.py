"""Runs cases on runners, and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.contract.case import Case, reason_against
from tests.contract.compare import Difference

Run = Callable[[Case], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a case on a runner.

    :param difference: what did not hold, None where the case passed.
    """

    case: Case
    runner: str
    difference: str | None


def outcomes(
    cases: Iterable[Case], runner: str, run: Run, say: Callable[[str], None]
) -> list[Outcome]:
    """Every case that makes sense on a runner."""
    found = []
    for case in cases:
        if reason_against(case, runner) is not None:
            continue
        try:
            run(case)
            difference = None
        except Difference as error:
            difference = str(error)
            say(f"{runner}: {case.group}: {case.name}: {difference}")
        found.append(Outcome(case, runner, difference))
    return found


def figures(cases: list[Case], found: Mapping[str, list[Outcome]]) -> dict[str, int]:
    """The numbers that ``make contract`` prints: of each runner those that passed and those that do
    not apply to it."""
    numbers = {"contract_cases": len(cases)}
    for runner, of_runner in found.items():
        numbers[f"contract_passed_{runner}"] = sum(o.difference is None for o in of_runner)
    for runner, of_runner in found.items():
        numbers[f"contract_not_applicable_{runner}"] = len(cases) - len(of_runner)
    return numbers
