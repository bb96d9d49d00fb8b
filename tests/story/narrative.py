"""The steps of the story, from the first schema of exallm to nothing left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from exallm.installer.install import activate_local_language
from exallm.installer.sql_files import sql_files
from exallm.sql_text import quote_text
from tests.command_line import outcome
from tests.registry_harness import Rows
from tests.story.batch_kills import kill_a_batch_job
from tests.story.cast import MODEL, Cast
from tests.story.crowd import run_crowd
from tests.story.stage import ANALYSTS, Stage, expect

_OPTIONS = json.dumps({"max_new_tokens": 24})


@dataclass(frozen=True)
class Scale:
    """How long the story is.

    :param kills: SIGKILLs of the batch job.
    :param batch_rows: rows of that job.
    :param seen_rows: rows of the consumer's view.
    :param sessions: at once.
    :param seconds: for which they are at work.
    :param seed: of all that is random.
    """

    kills: int = 20
    batch_rows: int = 160
    seen_rows: int = 6
    sessions: int = 8
    seconds: float = 60.0
    seed: int = 20


@dataclass(frozen=True)
class Ending:
    """How it ended.

    :param steps: of the story.
    :param passed: steps that went as they have to.
    :param rows_lost: rows of the batch job and of the history that are not what they have to be.
    :param half_seen: answers of a registry that was half changed.
    """

    steps: int
    passed: int
    kills: int
    rows_lost: int
    half_seen: int


@dataclass
class Story:
    """One telling; the steps hand each other what they have seen.

    :param tell: gets a line after each step.
    """

    stage: Stage
    cast: Cast
    scale: Scale
    tell: Callable[[str], None]
    kills: int = 0
    rows_lost: int = 0
    half_seen: int = 0
    _before: list[Rows] = field(default_factory=list)
    _base_replies: Rows = field(default_factory=list)
    _view_text: Any = None

    def run(self) -> Ending:
        """Tell all steps; the first one that goes wrong is the last one."""
        steps = (
            self.install_first_schema,
            self.register_base,
            self.upgrade_first_schema,
            self.register_tuned,
            self.create_function,
            self.create_view,
            self.evaluate_both,
            self.refuse_promotion,
            self.promote,
            self.see_new_answers,
            self.refuse_the_worse,
            self.roll_back,
            self.kill_batch_job,
            self.upgrade_again,
            self.ask_doctor,
            self.uninstall,
            self.let_sessions_loose,
        )
        passed = 0
        for number, step in enumerate(steps, start=1):
            title = step.__name__.replace("_", " ")
            began = time.monotonic()
            try:
                seen = step()
            except Exception as error:
                self.tell(f"FAILED {number:2}/{len(steps)} {title}: {error}")
                break
            passed += 1
            took = time.monotonic() - began
            self.tell(f"ok     {number:2}/{len(steps)} {title}: {seen} ({took:.1f} s)")
        return Ending(len(steps), passed, self.kills, self.rows_lost, self.half_seen)

    # --- the first release -----------------------------------------------------------------------

    def install_first_schema(self) -> str:
        stage, connection = self.stage, self.stage.registry.connection
        self._before = stage.everything()
        activate_local_language(connection, stage.registry.target.language)
        stage.run("CREATE SCHEMA {s}")
        stage.run("OPEN SCHEMA {s}")
        first = sql_files("migrations")[0]
        for statement in first.statements():
            connection.execute(statement)
        values = f"{quote_text(first.name)}, {quote_text(first.sha256)}"
        stage.run(f"INSERT INTO MIGRATIONS VALUES ({values}, CURRENT_TIMESTAMP, CURRENT_USER)")
        stage.run("CLOSE SCHEMA")
        return f"the schema as {first.name} alone leaves it"

    def register_base(self) -> str:
        return self.cast.register_base(self.stage)

    def upgrade_first_schema(self) -> str:
        done = outcome(self.stage.home, "upgrade")
        applied = [file.name for file in sql_files("migrations")][1:]
        expect(done["migrations"] == applied, f"migrations {done['migrations']}")
        expect(self.stage.registry.history() == [(None, 1, "REGISTER")], "the history was not kept")
        expect(self.stage.registry.champion(MODEL) == 1, "the champion was not kept")
        return f"{', '.join(applied)}; model, alias and history are kept"

    # --- the gate --------------------------------------------------------------------------------

    def register_tuned(self) -> str:
        said = self.cast.register_tuned(self.stage)
        expect(self.stage.registry.champion(MODEL) == 1, "registering has changed the champion")
        return said

    def create_function(self) -> str:
        stage = self.stage
        stage.run(f"CREATE SCHEMA {ANALYSTS}")
        stage.run("CLOSE SCHEMA")
        stage.run(
            "CREATE TABLE {w}.GOLDEN (ID DECIMAL(9, 0), CONTEXT VARCHAR(2000000),"
            " QUESTION VARCHAR(2000), ANSWERS VARCHAR(2000))"
        )
        for row in self.cast.questions():
            texts = (row.context, row.question, json.dumps([row.answer]))
            listed = ", ".join(quote_text(text) for text in texts)
            stage.run(f"INSERT INTO {{w}}.GOLDEN VALUES ({row.number}, {listed})")
        reference = f"{MODEL}@champion"
        stage.registry.call("CREATE_FUNCTION", ANALYSTS, "ASK", reference, "answer")
        return f"{ANALYSTS}.ASK is bound to {reference}"

    def create_view(self) -> str:
        reply = self.cast.reply(self.stage)
        self.stage.run(
            f"CREATE VIEW {{w}}.REPLIES AS SELECT ID, {reply} AS REPLY FROM {{w}}.GOLDEN"
            f" WHERE ID <= {self.scale.seen_rows}"
        )
        self._view_text = self._text()
        self._base_replies = self._replies()
        expect(len(self._base_replies) == self.scale.seen_rows, "the view lacks rows")
        return f"{len(self._base_replies)} rows, answered by version 1"

    def evaluate_both(self) -> str:
        self.cast.prepare_evaluation(self.stage)
        said = []
        for version in (1, 2):
            (figures,) = self.stage.registry.call(
                "EVALUATE", MODEL, version, f"{ANALYSTS}.GOLDEN", _OPTIONS
            )
            said.append(
                f"version {version} F1 {figures[3]:.3f}, EM {figures[2]:.3f} on {figures[1]} rows"
            )
        return "; ".join(said)

    def refuse_promotion(self) -> str:
        message = self.stage.refused(40, "PROMOTE", MODEL, 2, '{"margin": 0.95}')
        expect(self.stage.registry.champion(MODEL) == 1, "a refused version is the champion")
        return _without_place(message)

    def promote(self) -> str:
        (figures,) = self.stage.registry.call("PROMOTE", MODEL, 2, '{"reason": "the story"}')
        expect(self.stage.registry.champion(MODEL) == 2, "the promoted version is no champion")
        return f"version 2, gain {figures[8]:.3f}, interval {figures[9]:.3f} to {figures[10]:.3f}"

    def see_new_answers(self) -> str:
        replies = self._replies()
        changed = sum(old != new for old, new in zip(self._base_replies, replies, strict=True))
        expect(changed > 0, "the view answers as before")
        expect(self._text() == self._view_text, "the view's text has changed")
        return f"{changed} of {len(replies)} changed, the view's text did not"

    def refuse_the_worse(self) -> str:
        message = self.stage.refused(40, "PROMOTE", MODEL, 1, "{}")
        expect(self.stage.registry.champion(MODEL) == 2, "a worse version is the champion")
        return _without_place(message)

    def roll_back(self) -> str:
        self.stage.registry.call("ROLLBACK", MODEL, '{"reason": "the story"}')
        expect(self.stage.registry.champion(MODEL) == 1, "version 1 is no champion")
        expect(self._replies() == self._base_replies, "the view does not answer as at first")
        self.stage.refused(36, "ROLLBACK", MODEL, "{}")
        kinds = [kind for _, _, kind in self.stage.registry.history()]
        expect(kinds == ["REGISTER", "PROMOTE", "ROLLBACK"], f"the history says {kinds}")
        return "version 1 answers as at first; there is nothing before it"

    # --- batches, the end, and the crowd ----------------------------------------------------------

    def kill_batch_job(self) -> str:
        scale = self.scale
        done = kill_a_batch_job(self.stage, scale.kills, scale.batch_rows, scale.seed)
        self.kills = done.count
        self.rows_lost += done.rows_lost
        expect(done.rows_lost == 0, f"{done.rows_lost} rows differ from the undisturbed run")
        return (
            f"{done.clients} clients and {done.processes} times the UDF processes killed in"
            f" {done.runs} calls; {done.rows} rows as undisturbed (a rule stands in for the model)"
        )

    def upgrade_again(self) -> str:
        tables = ("ALIAS_HISTORY", "EVALUATION_ANSWERS", "RUNS", "RUN_CHUNKS", "FUNCTIONS")
        before = [self.stage.rows(f"SELECT * FROM {{s}}.{table}") for table in tables]
        done = outcome(self.stage.home, "upgrade")
        after = [self.stage.rows(f"SELECT * FROM {{s}}.{table}") for table in tables]
        expect(done["migrations"] == [], "a migration ran twice")
        expect([set(rows) for rows in before] == [set(rows) for rows in after], "rows changed")
        expect(self._replies() == self._base_replies, "the view does not answer as before")
        rows = sum(map(len, after))
        return f"functions and scripts as the files are again, {rows} rows of history unchanged"

    def ask_doctor(self) -> str:
        report = outcome(self.stage.home, "doctor")
        return f"{len(report['checks'])} checks, none fails"

    def uninstall(self) -> str:
        done = outcome(self.stage.home, "uninstall", "--yes")
        expect(self.stage.packages() == [], "packages stay")
        targets = self.stage.rows(
            f"SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = '{ANALYSTS}' ORDER BY 1"
        )
        names = [name for (name,) in targets]
        expect(names == ["GOLDEN", "KILLED", "MAILS", "UNDISTURBED"], f"tables {names}")
        self.stage.run(f"DROP SCHEMA {ANALYSTS} CASCADE")
        expect(self.stage.everything() == self._before, "something stays in the database")
        return f"{len(done['packages'])} packages, {', '.join(done['roles'])}; nothing is left"

    def let_sessions_loose(self) -> str:
        outcome(self.stage.home, "install", "--model", "none")
        self.stage.run(f"CREATE SCHEMA {ANALYSTS}")
        self.stage.run("CLOSE SCHEMA")
        scale = self.scale
        seen = run_crowd(self.stage, scale.sessions, scale.seconds, scale.seed)
        self.half_seen += seen.half_seen
        self.rows_lost += seen.rows_lost
        expect(seen.half_seen == 0, f"{seen.half_seen} statements saw half a change")
        expect(seen.rows_lost == 0, f"{seen.rows_lost} rows of the history are lost")
        expect(seen.changes > 0 and seen.queries > 0, "nothing happened")
        return (
            f"{scale.sessions} sessions: {seen.changes} changes, {seen.refused} refused,"
            f" {seen.too_late} told to call again, {seen.queries} queries"
        )

    def _replies(self) -> Rows:
        return self.stage.rows("SELECT ID, REPLY FROM {w}.REPLIES ORDER BY ID")

    def _text(self) -> Any:
        return self.stage.rows(
            f"SELECT VIEW_TEXT FROM EXA_ALL_VIEWS WHERE VIEW_SCHEMA = '{ANALYSTS}'"
        )[0][0]


def _without_place(message: str) -> str:
    """An error of a script without the place in the script, which the database adds."""
    return message[message.index("E-EXALLM-") :].partition('" caught in script')[0]
