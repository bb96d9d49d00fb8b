"""What the roles of exallm let their holders do, from end to end, without a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exallm.local.engine_home import EngineHome
from tests.conftest import connect_to
from tests.engine_users import Users, denied, fails, rows
from tests.registry_harness import call_text, write_package
from tests.runs_harness import BatchRuns

pytest_plugins = ("tests.registry_harness", "tests.runs_harness")


@pytest.fixture
def users(runs: BatchRuns, registry_engine: EngineHome) -> Iterator[Users]:
    """Users beside an installation whose functions answer by rule."""
    # The rules have taken the place of scripts that had grants.
    runs.execute("EXECUTE SCRIPT {s}.APPLY_GRANTS()")
    with connect_to(registry_engine) as admin:
        users = Users(admin, lambda **options: connect_to(registry_engine, **options))
        yield users
        users.close()


def call(runs: BatchRuns, session: Any, script: str, *arguments: str | int) -> Any:
    return session.execute(call_text(runs.registry.schema, script, *arguments))


def work_schema(users: Users, name: str) -> tuple[Any, str]:
    """A session of a user with a schema of the user's own."""
    session = users.log_in(name)
    session.execute(f"CREATE SCHEMA {name}_WORK")
    return session, f"{name}_WORK"


def test_a_user_sees_the_models_and_starts_nothing(runs: BatchRuns, users: Users) -> None:
    session = users.log_in(users.user("EXALLM_USER"))
    listed = call(runs, session, "LIST_MODELS").fetchall()
    assert [row[:4] for row in listed] == [("qa", "answer", 1, "champion=1")]
    versions = call(runs, session, "DESCRIBE_MODEL", "qa").fetchall()
    assert [row[:3] for row in versions] == [(1, "ACTIVE", "champion"), (2, "ACTIVE", None)]
    batch = (
        f"SELECT {runs.registry.schema}.AI_ANSWER_BATCH('1', 'q', 'a b', '{{\"model\": \"x\"}}')"
    )
    assert [row[:2] for row in rows(session, batch)] == [("1", "b")]
    for script, arguments in (
        ("RUN_BATCH", ("AI_ANSWER", "SELECT 1", "T", "{}")),
        ("EVALUATE", ("qa", 1, "T", "{}")),
        ("PROMOTE", ("qa", 2, "{}")),
        ("CREATE_FUNCTION", ("S", "F", "qa", "answer")),
    ):
        text = call_text(runs.registry.schema, script, *arguments)
        denied(session, text, "for executing a script")


def test_an_operator_runs_and_evaluates_in_an_own_schema(runs: BatchRuns, users: Users) -> None:
    name = users.user("EXALLM_OPERATOR", "CREATE SCHEMA", "CREATE TABLE")
    session, work = work_schema(users, name)
    source = runs.source
    text = call_text(
        runs.registry.schema, "RUN_BATCH", "AI_ANSWER", source, f"{work}.ANSWERS", "{}"
    )
    fails(session, text, "43000", "insufficient privileges: SELECT on table MAILS")
    runs.execute(f"GRANT SELECT ON {{w}}.MAILS TO {name}")
    ((run_id, state, _, *counts),) = session.execute(text).fetchall()
    assert (state, counts[:4]) == ("DONE", [25, 25, 25, 0])
    assert rows(session, f"SELECT COUNT(*), MIN(ANSWER) FROM {work}.ANSWERS") == [(25, "word0")]
    started = f"SELECT STARTED_BY FROM {{s}}.RUNS WHERE RUN_ID = '{run_id}'"
    assert runs.rows(started) == [(name,)]
    session.execute(f"CREATE TABLE {work}.GOLDEN AS SELECT '1' AS ID, 'a b' AS CONTEXT,"
                    " 'q' AS QUESTION, '[\"b\"]' AS ANSWERS")  # fmt: skip
    ((_, checked, exact, *_),) = call(
        runs, session, "EVALUATE", "qa", 2, f"{work}.GOLDEN", "{}"
    ).fetchall()
    assert (checked, exact) == (1, 1.0)
    by = "SELECT EVALUATED_BY FROM {s}.EVALUATIONS WHERE MODEL_VERSION = 2"
    assert (name,) in runs.rows(by)
    for script, arguments in (
        ("PROMOTE", ("qa", 2, "{}")),
        ("FORCE_PROMOTE", ("qa", 2, "because")),
        ("ROLLBACK", ("qa", "{}")),
        ("SET_ALIAS", ("qa", "challenger", 2, "{}")),
    ):
        denied(session, call_text(runs.registry.schema, script, *arguments), "executing a script")
    denied(session, f"DELETE FROM {runs.registry.schema}.RUNS", "DELETE on table RUNS")


def test_an_admin_registers_promotes_and_rolls_back(runs: BatchRuns, users: Users) -> None:
    name = users.user("EXALLM_ADMIN", "CREATE SCHEMA")
    session, work = work_schema(users, name)
    registry = runs.registry
    reader = users.log_in(users.user("EXALLM_USER"))
    compiled = f"SELECT {registry.schema}.REGISTRY()"
    manifest = write_package(registry.buckets, "other", 1)
    package = Path("/buckets/bfsdefault/default") / "exallm/models/other/v1"
    call(runs, session, "REGISTER_MODEL", "other", 1, str(package), manifest, "{}")
    assert registry.champion("other") == 1
    before = rows(reader, compiled)
    call(runs, session, "FORCE_PROMOTE", "qa", 2, "a test")
    assert registry.champion() == 2
    assert rows(reader, compiled) != before
    call(runs, session, "ROLLBACK", "qa", json.dumps({"reason": "a test"}))
    assert registry.champion() == 1
    assert rows(reader, compiled) == before
    changed = (
        "SELECT CHANGED_BY, CHANGE_KIND FROM {s}.ALIAS_HISTORY WHERE MODEL = 'qa'"
        " ORDER BY CHANGE_NUMBER DESC LIMIT 2"
    )
    assert [by for by, _ in registry.rows(changed)] == [name, name]
    function = ("CREATE_FUNCTION", work, "ASK", "qa@champion", "answer")
    text = call_text(registry.schema, *function)
    owner = rows(session, f"SELECT SCHEMA_OWNER FROM EXA_SCHEMAS WHERE SCHEMA_NAME = '{work}'")
    assert owner == [(name,)]
    session.execute(text)
    session.execute(f"GRANT EXECUTE ON SCRIPT {work}.ASK TO PUBLIC")
    foreign = call_text(registry.schema, "CREATE_FUNCTION", runs.work, "ASK", "qa", "answer")
    fails(session, foreign, "42500", "insufficient privileges for creating script")
    assert rows(reader, f"SELECT {work}.ASK(NULL)") == [(None,)]
    stranger = users.log_in(users.user())
    denied(stranger, compiled, "for calling script")
