"""Who may run batches, and what such a user may not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyexasol
import pytest

from exallm.local.engine_home import EngineHome
from tests.conftest import connect_to
from tests.engine_users import denied
from tests.runs_harness import BatchRuns

pytest_plugins = ("tests.registry_harness", "tests.runs_harness")


@pytest.fixture
def user(runs: BatchRuns, registry_engine: EngineHome) -> Iterator[Any]:
    """A session of a user who has a schema of texts and no role of exallm yet."""
    # The functions of the harness were made anew, which has dropped their grants.
    runs.registry.call("APPLY_GRANTS")
    runs.execute('CREATE USER RUNNER IDENTIFIED BY "pw"')
    for right in ("CREATE SESSION", "CREATE SCHEMA", "CREATE TABLE"):
        runs.execute(f"GRANT {right} TO RUNNER")
    with connect_to(registry_engine, user="RUNNER", password="pw") as connection:
        connection.execute("CREATE SCHEMA RUNNERS")
        connection.execute("CREATE TABLE T (ID DECIMAL(9,0), Q VARCHAR(9), C VARCHAR(9))")
        connection.execute("INSERT INTO T VALUES (1, 'Who?', 'It is Jan')")
        yield connection
    runs.execute("DROP USER RUNNER CASCADE")


def test_an_operator_runs_batches_over_what_the_operator_may_read(
    runs: BatchRuns, user: Any
) -> None:
    own = "SELECT ID AS ROW_ID, Q AS QUESTION, C AS CONTEXT FROM RUNNERS.T"
    call = runs.call_text(own, target="ANSWERS")
    denied(user, call, "for executing a script")
    runs.execute("GRANT EXALLM_USER TO RUNNER")
    denied(user, call, "for executing a script")
    runs.execute("GRANT EXALLM_OPERATOR TO RUNNER")
    operator = replace(runs, registry=replace(runs.registry, connection=user))
    assert operator.run(own, target="ANSWERS", budget={"tokens": 9})[1:6] == (
        "DONE", None, 1, 1, 1,
    )  # fmt: skip
    assert user.execute("SELECT ROW_ID, ANSWER FROM ANSWERS").fetchall() == [("1", "Jan")]
    assert runs.rows("SELECT STARTED_BY FROM {s}.RUNS") == [("RUNNER",)]
    assert operator.rows("SELECT STARTED_BY, WRITTEN_ROWS FROM {s}.USE_BY_DAY") == [("RUNNER", 1)]
    with pytest.raises(pyexasol.ExaQueryError, match="insufficient privileges"):
        operator.run(target="ANSWERS")
    with pytest.raises(pyexasol.ExaQueryError, match="insufficient privileges"):
        operator.run(own, target=f"{runs.work}.ANSWERS")
