"""dbt with dbt-exasol as it is published: debug, seed, and models that call a function.

The project lies in ``tests/dbt_project``; the function is a UDF by rule, so that no model is
needed. ``EXALLM_DBT`` names the command where dbt lives in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exallm.local.engine_home import USER, EngineHome
from tests.conftest import Connect

PROJECT = Path(__file__).parent / "dbt_project"
COMMAND = os.environ.get("EXALLM_DBT") or shutil.which("dbt", path=str(Path(sys.executable).parent))

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(COMMAND is None, reason="dbt is not installed"),
]

FUNCTION = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT DBT_TEST.GPT2_INFERENCE(CTX VARCHAR(2000000))
RETURNS VARCHAR(2000000) AS
def run(ctx):
    return f"about {ctx.CTX.split()[-1].strip('?')}"
"""
PROFILE = """exallm:
  target: local
  outputs:
    local:
      type: exasol
      threads: 1
      dsn: {dsn}
      user: {user}
      password: "{{{{ env_var('EXALLM_DBT_PASSWORD') }}}}"
      dbname: db
      schema: dbt_test
      encryption: false
"""


class Dbt:
    """Runs dbt's commands on a copy of the project."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "EXALLM_DBT_PASSWORD": password,
            "DO_NOT_TRACK": "1",
            "EXASOL_TELEMETRY_DISABLE": "1",
            "DBT_PROFILES_DIR": str(folder),
        }

    def __call__(self, *arguments: str) -> str:
        """The output of a command, which must succeed."""
        assert COMMAND is not None
        done = subprocess.run(
            [COMMAND, "--no-use-colors", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def database(connect: Connect) -> Iterator[Any]:
    """A session; the schema of dbt's models has the function in it."""
    with connect() as connection:
        connection.execute("CREATE SCHEMA DBT_TEST")
        connection.execute(FUNCTION)
        yield connection
        connection.execute("DROP SCHEMA DBT_TEST CASCADE")


@pytest.fixture(scope="module")
def dbt(engine: EngineHome, tmp_path_factory: pytest.TempPathFactory, database: Any) -> Dbt:
    running = engine.running()
    assert running is not None
    folder = tmp_path_factory.mktemp("dbt") / "project"
    shutil.copytree(PROJECT, folder)
    (folder / "profiles.yml").write_text(PROFILE.format(dsn=running.dsn, user=USER))
    return Dbt(folder, engine.password())


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def test_dbt_finds_the_engine(dbt: Dbt) -> None:
    assert "All checks passed!" in dbt("debug")


def test_seeds_become_tables(dbt: Dbt, database: Any) -> None:
    assert "PASS=1" in dbt("seed")
    seeded = rows(database, "SELECT ID, TOPIC, ASKED_ON FROM DBT_TEST.QUESTIONS ORDER BY ID")
    assert seeded[0] == (1, "rivers", "2026-01-31")
    assert rows(database, "SELECT QUESTION FROM DBT_TEST.QUESTIONS WHERE ID = 2") == [
        ("Which rivers meet in Passau, and where?",)
    ]


def test_models_become_tables_and_views(dbt: Dbt, database: Any) -> None:
    assert "PASS=3" in dbt("run")
    assert rows(database, "SELECT ID, ANSWER FROM DBT_TEST.ANSWERS ORDER BY ID") == [
        (1, "about Vienna"),
        (2, "about where"),
        (3, "about Grossglockner"),
    ]
    assert rows(database, "SELECT * FROM DBT_TEST.ANSWERS_BY_TOPIC ORDER BY TOPIC") == [
        ("mountains", 1, "about Grossglockner"),
        ("rivers", 2, "about Vienna; about where"),
    ]


def test_an_incremental_model_takes_what_is_new(dbt: Dbt, database: Any) -> None:
    database.execute(
        "INSERT INTO DBT_TEST.QUESTIONS VALUES (4, 'seas', 'How deep is the Aral?', '2026-02-03')"
    )
    assert "PASS=1" in dbt("run", "--select", "answers_so_far")
    found = rows(database, "SELECT ID, ANSWER FROM DBT_TEST.ANSWERS_SO_FAR ORDER BY ID")
    assert found[-1] == (4, "about Aral")
    assert len(found) == 4


def test_models_are_made_anew(dbt: Dbt, database: Any) -> None:
    assert "PASS=3" in dbt("run", "--full-refresh")
    assert rows(database, "SELECT COUNT(*) FROM DBT_TEST.ANSWERS") == [(4,)]
