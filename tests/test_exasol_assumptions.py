"""The page that a DBA runs first holds on the embedded engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exallm.installer.sql_files import split_statements
from tests.contract.places import ExasolServer, exasol_runner

PAGE = Path(__file__).parents[1] / "sql" / "checks" / "exasol_assumptions.sql"
COLUMNS = ["ASSUMPTION", "EXPECTED", "SEEN", "HOLDS"]


def verdicts(session: Any) -> list[tuple[Any, ...]]:
    """What every question of the page answers."""
    found: list[tuple[Any, ...]] = []
    for sql in split_statements(PAGE.read_text(encoding="utf-8")):
        statement = session.execute(sql)
        if statement.result_type == "resultSet":
            assert statement.column_names() == COLUMNS, sql
            found += statement.fetchall()
    return found


def test_every_assumption_holds_on_the_embedded_engine(connect: Any) -> None:
    with connect() as session:
        found = verdicts(session)
    assert [row for row in found if row[3] is not True] == []
    assert len(found) >= 40
    assert len({row[0] for row in found}) == len(found)


@pytest.mark.exasol
def test_every_assumption_holds_on_exasol(request: pytest.FixtureRequest) -> None:
    option = request.config.getoption
    runner = exasol_runner(ExasolServer(option("dsn"), option("user")))
    with runner.connect() as session:
        assert [row for row in verdicts(session) if row[3] is not True] == []
