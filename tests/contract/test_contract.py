"""The contract, case by case: without a database, on the embedded engine, on a real Exasol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exallm.local.engine_home import EngineHome
from tests.contract.case import EXASOL, LOCAL, MOCK, STRICT, Case, UdfCase, reason_against
from tests.contract.compare import Difference
from tests.contract.places import ExasolServer, exasol_runner, runner_on
from tests.contract.script_runners import run_on_mock, run_on_strict
from tests.contract.sql_runner import SqlRunner
from tests.contract.suite import CASES


def cases_on(runner: str) -> Callable[[Any], Any]:
    """A test for each case that makes sense on a runner."""
    chosen = [case for case in CASES if reason_against(case, runner) is None]
    ids = [f"{case.group}: {case.name}" for case in chosen]
    return pytest.mark.parametrize("case", chosen, ids=ids)


@cases_on(STRICT)
def test_strict(case: Case) -> None:
    run_on_strict(case)


@cases_on(MOCK)
def test_mock(case: Case) -> None:
    run_on_mock(case)


@pytest.fixture(scope="session")
def on_engine(engine: EngineHome) -> SqlRunner:
    """A runner on the engine that the tests share."""
    return runner_on(engine)


@cases_on(LOCAL)
def test_local(on_engine: SqlRunner, case: Case) -> None:
    on_engine.run(case)


@pytest.fixture(scope="session")
def on_exasol(request: pytest.FixtureRequest) -> SqlRunner:
    """A runner on the database of the command line."""
    option = request.config.getoption
    return exasol_runner(ExasolServer(option("dsn"), option("user"), option("bucketfs_url")))


@pytest.mark.exasol
@cases_on(EXASOL)
def test_exasol(on_exasol: SqlRunner, case: Case) -> None:
    if case.group == "BucketFS" and on_exasol.put is None:
        pytest.skip("no --bucketfs-url")
    on_exasol.run(case)


def is_done_otherwise_by_the_mock(case: Case) -> bool:
    return isinstance(case, UdfCase) and case.differs.get(MOCK, "").startswith("the mock ")


OTHERWISE = [case for case in CASES if is_done_otherwise_by_the_mock(case)]


@pytest.mark.parametrize("case", OTHERWISE, ids=lambda case: case.name)
def test_what_the_mock_is_said_to_do_otherwise_it_does_otherwise(case: Case) -> None:
    with pytest.raises(Difference):
        run_on_mock(case)


def test_names_are_unique_and_every_case_runs_somewhere() -> None:
    names = [(case.group, case.name) for case in CASES]
    assert len(names) == len(set(names))
    for case in CASES:
        assert reason_against(case, LOCAL) is None or reason_against(case, EXASOL) is None, (
            case.name
        )
