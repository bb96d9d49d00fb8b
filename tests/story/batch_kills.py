"""A batch run that is killed again and again, beside one that nobody disturbs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.registry_harness import Rows, call_text, stand_in
from tests.story.stage import ANALYSTS, Stage, StoryError, expect

# In the place of the model, so that the story is short: the last word of the context, 20 ms a row.
SLOW_RULE = """
import json, time
def run(ctx):
    while True:
        row_id, context, version = ctx[0], ctx[2], json.loads(ctx[3])["model"]
        time.sleep(0.02)
        answer = context.split()[-1]
        ctx.emit(row_id, answer, 1, len(answer), 0.5, True, "stop", version, 5, 2, 2.0, None, None)
        if not ctx.next():
            return
"""
CLIENT = """
import os, pyexasol
with pyexasol.connect(dsn=os.environ["DSN"], user=os.environ["DB_USER"],
                      password=os.environ["DB_PASSWORD"], encryption=False) as connection:
    connection.execute(os.environ["CALL"])
"""
_CHUNK_ROWS = 4
_LONGEST_DELAY_S = 1.5
_LIMIT_S = 120.0
# UDF processes are found by /proc; where there is none, only clients are killed.
_VICTIMS = ("client", "udf processes") if Path("/proc/self/task").is_dir() else ("client",)
# All of a target's columns but those that say when and by which run.
_SAME = (
    "ROW_ID, INPUT_SHA256, ANSWER, START_POS, END_POS, SCORE, GROUNDED, FINISH_REASON,"
    " MODEL_VERSION, PROMPT_TOKENS, COMPLETION_TOKENS, LATENCY_MS, ERROR_CODE, ERROR_MESSAGE,"
    " PACKAGE_SHA256, OPTIONS_SHA256"
)


@dataclass(frozen=True)
class Kills:
    """What became of the killed runs.

    :param clients: clients that were killed.
    :param processes: times that the engine's UDF processes were killed.
    :param runs: how often the call was made.
    :param rows: that the undisturbed run wrote.
    :param rows_lost: rows that are missing, doubled or different in the end.
    """

    clients: int
    processes: int
    runs: int
    rows: int
    rows_lost: int

    @property
    def count(self) -> int:
        """Kills of both kinds."""
        return self.clients + self.processes


def kill_a_batch_job(stage: Stage, kills: int, rows: int, seed: int) -> Kills:
    """Run a job undisturbed, then into another table with kills at random points.

    :param rows: of the source; 4 of them are one transaction.
    :raises StoryError: a run ended in another way than a kill explains.
    """
    stand_in(stage.registry, "AI_ANSWER_BATCH", SLOW_RULE)
    _make_source(stage, rows)
    stage.rows(_call(stage, "UNDISTURBED"))
    expected = _written(stage, "UNDISTURBED")
    expect(len(expected) == rows, f"the undisturbed run wrote {len(expected)} of {rows} rows")
    chance = random.Random(seed)
    killed = {"client": 0, "udf processes": 0}
    runs = lost = 0
    while sum(killed.values()) < kills:
        runs += 1
        outcome = _run_until_kill(stage, chance)
        if outcome in killed:
            killed[outcome] += 1
        elif outcome == "done":  # it was too fast: once more from the beginning
            lost += _difference(expected, _written(stage, "KILLED"))
            stage.run("DROP TABLE {w}.KILLED")
    while _run_until_kill(stage, None) != "done":
        runs += 1
    lost += _difference(expected, _written(stage, "KILLED"))
    return Kills(killed["client"], killed["udf processes"], runs + 1, rows, lost)


def _make_source(stage: Stage, rows: int) -> None:
    stage.run(
        "CREATE OR REPLACE TABLE {w}.MAILS"
        " (MAIL_ID DECIMAL(9, 0), QUESTION VARCHAR(100), BODY VARCHAR(100))"
    )
    values = ", ".join(f"({n}, 'What {n % 3}?', 'Text {n} is word{n}')" for n in range(1, rows + 1))
    stage.run(f"INSERT INTO {{w}}.MAILS VALUES {values}")


def _call(stage: Stage, table: str) -> str:
    source = f"SELECT MAIL_ID AS ROW_ID, QUESTION, BODY AS CONTEXT FROM {ANALYSTS}.MAILS"
    settings = json.dumps({"chunk_rows": _CHUNK_ROWS})
    return call_text(
        stage.registry.schema, "RUN_BATCH", "AI_ANSWER", source, f"{ANALYSTS}.{table}", settings
    )


def _written(stage: Stage, table: str) -> Rows:
    found = stage.rows(
        "SELECT COUNT(*) FROM EXA_ALL_TABLES"
        f" WHERE TABLE_SCHEMA = '{ANALYSTS}' AND TABLE_NAME = '{table}'"
    )
    return stage.rows(f"SELECT {_SAME} FROM {{w}}.{table}") if found[0][0] else []


def _difference(expected: Rows, found: Rows) -> int:
    """Rows that are in one of the two and not in the other, counting doubles."""
    rest = list(found)
    missing = 0
    for row in expected:
        if row in rest:
            rest.remove(row)
        else:
            missing += 1
    return missing + len(rest)


def _run_until_kill(stage: Stage, chance: random.Random | None) -> str:
    """One call into the table KILLED; its victim, ``done``, or ``busy``.

    :param chance: decides whom to kill and when; None kills nobody.
    """
    known = _runs(stage)
    client = _start_client(stage)
    try:
        if chance is not None:
            victim = chance.choice(_VICTIMS)
            _wait(lambda: client.poll() is not None or _runs(stage) > known)
            time.sleep(chance.uniform(0, _LONGEST_DELAY_S))
            if _kill(victim, client, stage.engine_pid):
                client.communicate(timeout=_LIMIT_S)
                return victim
        _, problem = client.communicate(timeout=_LIMIT_S)
    finally:
        client.kill()
        client.wait()
    if client.returncode == 0:
        return "done"
    # The session of a killed client lives until the engine has seen that it is gone.
    if "E-EXALLM-SQL-17" in problem or "E-EXALLM-SQL-18" in problem:
        return "busy"
    raise StoryError(f"a run failed without a kill: {problem[-500:]}")


def _start_client(stage: Stage) -> subprocess.Popen[str]:
    database = stage.registry.target.database
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        env={
            **os.environ,
            "DSN": database.dsn,
            "DB_USER": database.user,
            "DB_PASSWORD": database.password,
            "CALL": _call(stage, "KILLED"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _kill(victim: str, client: subprocess.Popen[str], engine: int) -> bool:
    """SIGKILL to the victim; whether it still was at work."""
    if victim == "client":
        if client.poll() is None:
            client.kill()
            return True
        return False
    while client.poll() is None:
        killed = 0
        for process in _children(engine):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                killed += 1
        if killed:
            return True
        time.sleep(0.005)
    return False


def _children(process: int) -> list[int]:
    children: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            children += [int(child) for child in file.read_text().split()]
    return children


def _runs(stage: Stage) -> int:
    count: int = stage.rows("SELECT COUNT(*) FROM {s}.RUNS")[0][0]
    return count


def _wait(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not happened():
        expect(time.monotonic() < deadline, "a run has not begun")
        time.sleep(0.02)
