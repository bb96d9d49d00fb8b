"""Batch runs over functions that answer by a rule, for tests that need no model.

A pytest plugin beside ``tests.registry_harness``: test modules name both in ``pytest_plugins``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyexasol
import pytest

from exallm.installer.install import apply_plan, plan_install
from exallm.installer.target import local_target
from exallm.local.engine_home import EngineHome
from exallm.sql_text import quote_identifier
from tests.registry_harness import InstalledRegistry, Rows, call_text, stand_in

# The answer is the last word of the context; a question "fail" fails. Version and options come out
# in the score, so that a test sees which ones were asked.
ANSWER_RULE = """
import json, os, time
def run(ctx):
    while True:
        row_id, question, context, options = ctx[0], ctx[1], ctx[2], json.loads(ctx[3])
        version = options["model"]
        time.sleep(options.get("temperature", 0) / 100)
        if question == "fail":
            ctx.emit(row_id, None, None, None, None, None, "error", None, None, None, None,
                     "E-EXALLM-ROW-4", "the engine failed")
        elif question == "crash":
            os._exit(1)
        elif question is None or context is None:
            ctx.emit(row_id, None, None, None, None, None, "no_input", version, None, None, None,
                     None, None)
        elif question != "lose":
            answer = context.split()[-1]
            ctx.emit(row_id, answer, 1, len(answer), float(options.get("max_new_tokens", 0)),
                     answer[0] != "x", "stop", version, len(context.split()), 1, 2.0, None, None)
        if not ctx.next():
            return
"""
COMPLETE_RULE = """
def run(ctx):
    while True:
        row_id, model, prompt = ctx[0], ctx[1], ctx[2]
        ctx.emit(row_id, prompt.upper(), "stop", model, 2, 1, 1.0, None, None)
        if not ctx.next():
            return
"""
INFERENCE_RULE = """
import json
def run(ctx):
    while True:
        model = json.loads(ctx[2])["model"]
        ctx.emit(ctx[0], ctx[1].lower(), "stop", model, 2, 1, 1.0, None, None)
        if not ctx.next():
            return
"""
WORD_COUNT = """
def run(ctx):
    assert ctx.model.startswith("qa@v"), ctx.model
    return None if ctx.content is None else len(ctx.content.split())
"""


class Outcome(NamedTuple):
    """The row that RUN_BATCH returns."""

    run_id: str | None
    state: str
    stopped_by: str | None
    source_rows: int
    pending_rows: int
    done_rows: int
    error_rows: int
    prompt_tokens: int
    completion_tokens: int | None
    seconds: float | None


@dataclass(frozen=True)
class BatchRuns:
    """An installation whose functions answer by the rules above, with a schema of texts.

    The table MAILS has 25 rows: MAIL_ID, QUESTION, BODY.
    """

    registry: InstalledRegistry
    work: str

    @property
    def source(self) -> str:
        return f"SELECT MAIL_ID AS ROW_ID, QUESTION, BODY AS CONTEXT FROM {self.work}.MAILS"

    def call_text(self, source: str | None = None, /, **settings: Any) -> str:
        """``EXECUTE SCRIPT RUN_BATCH`` of AI_ANSWER into the table ANSWERS."""
        function = settings.pop("function", "AI_ANSWER")
        target = settings.pop("target", f"{self.work}.ANSWERS")
        return call_text(
            self.registry.schema,
            "RUN_BATCH",
            function,
            self.source if source is None else source,
            target,
            json.dumps(settings),
        )

    def run(self, source: str | None = None, /, **settings: Any) -> Outcome:
        """A run that ends; settings beside ``function`` and ``target`` go into its JSON."""
        statement = self.registry.connection.execute(self.call_text(source, **settings))
        return Outcome(*statement.fetchall()[0])

    def fails(self, code: int, source: str | None = None, /, **settings: Any) -> str:
        """The message of a call that ends in ``E-EXALLM-SQL-<code>``."""
        with pytest.raises(pyexasol.ExaQueryError) as caught:
            self.run(source, **settings)
        message = str(caught.value.message)
        assert f"E-EXALLM-SQL-{code}: " in message, message
        return message

    def rows(self, sql: str) -> Rows:
        """The rows of a query in which ``{s}`` is exallm's schema and ``{w}`` that of the texts."""
        return self.registry.rows(sql.replace("{w}", self.work))

    def execute(self, sql: str) -> None:
        self.registry.run(sql.replace("{w}", self.work))

    def answers(self) -> Rows:
        """What has to be equal after any history of runs."""
        return self.rows(
            "SELECT ROW_ID, INPUT_SHA256, ANSWER, START_POS, END_POS, SCORE, GROUNDED,"
            " FINISH_REASON, MODEL_VERSION, PROMPT_TOKENS, COMPLETION_TOKENS, LATENCY_MS,"
            " ERROR_CODE, ERROR_MESSAGE, PACKAGE_SHA256, OPTIONS_SHA256"
            " FROM {w}.ANSWERS ORDER BY ROW_ID"
        )

    def tables(self) -> list[str]:
        """The tables beside the texts."""
        return [
            name
            for (name,) in self.rows(
                f"SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = '{self.work}'"
                " ORDER BY TABLE_NAME"
            )
        ]

    def runs(self) -> Rows:
        """State, rows done and errors of each run, in order."""
        return self.rows(
            "SELECT RUN_STATE, DONE_ROWS, ERROR_ROWS FROM {s}.RUNS ORDER BY STARTED_AT"
        )

    def empty(self) -> None:
        """Undo all runs; the texts are as at first."""
        for table in self.tables():
            self.execute(f"DROP TABLE {{w}}.{quote_identifier(table)}")
        for table in ("RUNS", "RUN_CHUNKS", "RUN_ERRORS"):
            self.execute(f"DELETE FROM {{s}}.{table}")
        self.execute(
            "CREATE TABLE {w}.MAILS"
            " (MAIL_ID DECIMAL(9,0), QUESTION VARCHAR(100), BODY VARCHAR(100))"
        )
        values = ", ".join(
            f"({number}, 'What {number % 3}?', 'Text {number % 7} is word{number % 7}')"
            for number in range(1, 26)
        )
        self.execute(f"INSERT INTO {{w}}.MAILS VALUES {values}")


@contextmanager
def running_elsewhere(runs: BatchRuns) -> Iterator[BatchRuns]:
    """The same in another session."""
    with runs.registry.target.database.connect() as connection:
        connection.set_autocommit(True)
        yield replace(runs, registry=replace(runs.registry, connection=connection))


@pytest.fixture(scope="module")
def made_runs(registry_engine: EngineHome) -> Iterator[BatchRuns]:
    registry = _install(registry_engine)
    for version in (1, 2):
        registry.add(version)
    stand_in(registry, "AI_ANSWER_BATCH", ANSWER_RULE)
    stand_in(registry, "AI_COMPLETE_BATCH", COMPLETE_RULE)
    stand_in(registry, "GPT2_INFERENCE_BATCH", INFERENCE_RULE)
    registry.run(
        "CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT {s}.TOKEN_COUNT"
        " (model VARCHAR(200), content VARCHAR(2000000)) RETURNS DECIMAL(18, 0) AS\n" + WORD_COUNT
    )
    registry.run("CREATE SCHEMA RUNS_WORK")
    registry.run("CLOSE SCHEMA")
    yield BatchRuns(registry, "RUNS_WORK")
    registry.run("DROP SCHEMA RUNS_WORK CASCADE")
    registry.run("DROP SCHEMA {s} CASCADE")
    registry.connection.close()


def _install(home: EngineHome) -> InstalledRegistry:
    running = home.running()
    assert running is not None
    target = local_target(home, running, "RUNS_TEST")
    connection = target.database.connect()
    apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.execute("CLOSE SCHEMA")
    connection.commit()
    connection.set_autocommit(True)
    return InstalledRegistry(target, connection, home.buckets_root)


@pytest.fixture
def runs(made_runs: BatchRuns) -> Iterator[BatchRuns]:
    """Rules in place of models, 25 mails, and no run before the test's."""
    made_runs.empty()
    yield made_runs
