"""docs/contract.md: where each group of cases was last run, and where it never was."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path

from tests.contract.case import RUNNERS, Case, reason_against
from tests.contract.outcomes import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
NEVER, NOT_APPLICABLE = "never", "-"
_TABLE = re.compile(r"(<!-- runs -->\n).*?(<!-- end of runs -->)", re.DOTALL)
_REASONS = re.compile(r"(<!-- reasons -->\n).*?(<!-- end of reasons -->)", re.DOTALL)


def write_page(
    page: Path, cases: list[Case], found: Mapping[str, list[Outcome]], today: datetime.date
) -> None:
    """Write the tables anew; what was not run this time keeps what the page says of it."""
    text = page.read_text(encoding="utf-8")
    runs = _runs(cases, found, _last_runs(text), today)
    text = _TABLE.sub(lambda match: match[1] + runs + match[2], text)
    reasons = _reasons(cases)
    text = _REASONS.sub(lambda match: match[1] + reasons + match[2], text)
    page.write_text(text, encoding="utf-8")


def _runs(
    cases: list[Case],
    found: Mapping[str, list[Outcome]],
    last: Mapping[tuple[str, str], str],
    today: datetime.date,
) -> str:
    lines = [
        f"| group | cases | {' | '.join(RUNNERS)} |",
        f"|---|---|{'---|' * len(RUNNERS)}",
    ]
    for group in dict.fromkeys(case.group for case in cases):
        of_group = [case for case in cases if case.group == group]
        cells = [_cell(of_group, runner, found, last, today) for runner in RUNNERS]
        lines.append(f"| {group} | {len(of_group)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(
    cases: list[Case],
    runner: str,
    found: Mapping[str, list[Outcome]],
    last: Mapping[tuple[str, str], str],
    today: datetime.date,
) -> str:
    if all(reason_against(case, runner) is not None for case in cases):
        return NOT_APPLICABLE
    group = cases[0].group
    if runner not in found:
        return last.get((group, runner), NEVER)
    here = [outcome for outcome in found[runner] if outcome.case.group == group]
    passed = sum(outcome.difference is None for outcome in here)
    return f"{passed} of {len(here)}, {today.isoformat()}"


def _last_runs(text: str) -> dict[tuple[str, str], str]:
    table = _TABLE.search(text)
    found = {}
    for line in table[0].splitlines() if table else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 + len(RUNNERS) and cells[1].isdigit():
            found.update(
                {(cells[0], runner): cell for runner, cell in zip(RUNNERS, cells[2:], strict=True)}
            )
    return {key: cell for key, cell in found.items() if cell != NOT_APPLICABLE}


def _reasons(cases: list[Case]) -> str:
    named: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        for runner in RUNNERS:
            reason = reason_against(case, runner)
            if reason is not None:
                named.setdefault((runner, reason), []).append(f"{case.group}: {case.name}")
    lines = ["| runner | cases | why |", "|---|---|---|"]
    for (runner, reason), names in named.items():
        listed = "; ".join(names) if len(names) <= 4 else str(len(names))
        lines.append(f"| {runner} | {listed.replace('|', ' ')} | {reason} |")
    return "\n".join(lines) + "\n"
