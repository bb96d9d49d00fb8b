"""The page of the contract keeps what was not run this time."""

from __future__ import annotations

import datetime
from pathlib import Path

from tests.contract.case import EXASOL, LOCAL, MOCK, STRICT, Case
from tests.contract.outcomes import Outcome, figures
from tests.contract.page import NEVER, write_page
from tests.contract.suite import CASES

EMPTY = (
    "before\n<!-- runs -->\n<!-- end of runs -->\n"
    "between\n<!-- reasons -->\n<!-- end of reasons -->\nafter\n"
)
GROUP = "emit"


def row_of(page: Path) -> list[str]:
    (line,) = (line for line in page.read_text().splitlines() if line.startswith(f"| {GROUP} | "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def passed(runner: str, cases: list[Case]) -> list[Outcome]:
    return [Outcome(case, runner, None) for case in cases if case.group == GROUP]


def test_a_run_writes_its_own_columns_and_keeps_the_others(tmp_path: Path) -> None:
    page = tmp_path / "contract.md"
    page.write_text(EMPTY)
    write_page(page, CASES, {EXASOL: passed(EXASOL, CASES)}, datetime.date(2026, 1, 2))
    count = sum(case.group == GROUP for case in CASES)
    assert row_of(page) == [
        GROUP,
        str(count),
        NEVER,
        NEVER,
        NEVER,
        f"{count} of {count}, 2026-01-02",
    ]
    found = {
        STRICT: passed(STRICT, CASES),
        LOCAL: [Outcome(passed(LOCAL, CASES)[0].case, LOCAL, "x")],
    }
    write_page(page, CASES, found, datetime.date(2026, 3, 4))
    strict, local, mock, exasol = row_of(page)[2:]
    assert strict == f"{count} of {count}, 2026-03-04"
    assert local == "0 of 1, 2026-03-04"
    assert mock == NEVER
    assert exasol == f"{count} of {count}, 2026-01-02"
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "\nbetween\n" in text


def test_the_figures_count_what_passed_and_what_does_not_apply() -> None:
    some = CASES[:3]
    found = {MOCK: [Outcome(some[0], MOCK, None), Outcome(some[1], MOCK, "other")]}
    assert figures(some, found) == {
        "contract_cases": 3,
        "contract_passed_mock": 1,
        "contract_not_applicable_mock": 1,
    }
