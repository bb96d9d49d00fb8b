"""Batch runs that do not come to their end, and those that meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pyexasol
import pytest

from exallm.local.engine_home import EngineHome
from tests.engine_processes import wait_for, workers_of
from tests.registry_harness import Rows
from tests.runs_harness import BatchRuns, running_elsewhere

pytest_plugins = ("tests.registry_harness", "tests.runs_harness")

# Slow, for there to be something to kill: each row takes 20 ms.
SLOW: dict[str, Any] = {"chunk_rows": 4, "options": {"temperature": 2}}
CLIENT = """
import os, pyexasol
with pyexasol.connect(dsn=os.environ["DSN"], user="sys", password=os.environ["PASSWORD"],
                      encryption=False) as connection:
    connection.execute(os.environ["CALL"])
"""


def committed_chunks(runs: BatchRuns) -> int:
    """Chunks that the latest run has committed."""
    count: int = runs.rows("SELECT COUNT(*) FROM {s}.RUN_CHUNKS")[0][0]
    return count


def undisturbed(runs: BatchRuns) -> Rows:
    """The rows that have to come out; nothing of the run that made them stays."""
    runs.run(**SLOW)
    rows = runs.answers()
    assert len(rows) == 25
    runs.empty()
    return rows


def go_on(runs: BatchRuns) -> None:
    """Make the same call again until the run that was killed has let go."""
    for _ in range(100):
        try:
            runs.run(**SLOW)
        except pyexasol.ExaQueryError as error:
            assert "E-EXALLM-SQL-17" in error.message, error.message
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the target is never free")


def test_a_client_that_is_killed_leaves_whole_chunks_and_the_same_call_goes_on(
    runs: BatchRuns, registry_engine: EngineHome
) -> None:
    expected = undisturbed(runs)
    running = registry_engine.running()
    assert running is not None
    secrets = {"DSN": running.dsn, "PASSWORD": registry_engine.password()}
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        env={**os.environ, **secrets, "CALL": runs.call_text(**SLOW)},
    )
    wait_for(lambda: committed_chunks(runs) >= 2)
    client.kill()
    assert client.wait() == -signal.SIGKILL
    left = len(runs.answers())
    assert left % 4 == 0
    assert 8 <= left < 25
    go_on(runs)
    assert runs.answers() == expected
    killed, *_, last = runs.runs()
    assert killed[0] == "INTERRUPTED"
    assert last[0] == "DONE"
    assert sum(done for _, done, _ in runs.runs()) == 25
    assert runs.tables() == ["ANSWERS", "MAILS"]


def test_a_udf_process_that_is_killed_fails_the_run_and_the_same_call_goes_on(
    runs: BatchRuns, registry_engine: EngineHome
) -> None:
    expected = undisturbed(runs)
    running = registry_engine.running()
    assert running is not None
    messages: list[str] = []
    thread = threading.Thread(target=lambda: messages.append(runs.fails(19, **SLOW)))
    with running_elsewhere(runs) as watching:
        thread.start()
        wait_for(lambda: committed_chunks(watching) >= 1)
        while thread.is_alive():
            for worker in workers_of(running.pid):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.02)
    thread.join()
    assert "E-EXALLM-LOCAL-24" in messages[0]
    assert runs.runs()[0][0] == "FAILED"
    left = len(runs.answers())
    assert 4 <= left < 25
    assert left == runs.runs()[0][1]
    assert runs.run(**SLOW).done_rows == 25 - left
    assert runs.answers() == expected


def test_of_two_runs_at_once_one_fails_clearly_and_no_row_is_doubled(runs: BatchRuns) -> None:
    expected = undisturbed(runs)
    first: list[Any] = []
    with running_elsewhere(runs) as second:
        thread = threading.Thread(target=lambda: first.append(runs.run(**SLOW)))
        thread.start()
        wait_for(lambda: committed_chunks(second) >= 1)
        message = second.fails(17, **SLOW)
        assert 'another run is at work on the target "RUNS_WORK"."ANSWERS"' in message
        thread.join()
    assert first[0].done_rows == 25
    assert runs.answers() == expected
    assert sorted(state for state, _, _ in runs.runs()) == ["DONE", "FAILED"]


def test_a_run_whose_target_was_taken_over_stops(runs: BatchRuns) -> None:
    runs.execute(
        "CREATE OR REPLACE LUA SCRIPT {s}.TAKE_OVER () AS\n"
        "import('RUNS_TEST.RUN_ROWS_LIBRARY', 'rows')\n"
        "local names = rows.names_of('RUNS_TEST', 'RUNS_WORK', 'ANSWERS')\n"
        "rows.take(names, 'one')\n"
        "query([[COMMIT]])\n"
        "rows.keep(names, 'one')\n"
        "rows.take(names, 'two')\n"
        "rows.let_go(names, 'one')\n"
        "rows.keep(names, 'two')\n"
        "rows.keep(names, 'one')\n"
    )
    with pytest.raises(pyexasol.ExaQueryError, match="E-EXALLM-SQL-18: another run has taken over"):
        runs.execute("EXECUTE SCRIPT {s}.TAKE_OVER()")
    # What a run leaves behind that was killed is taken by the next one.
    assert len(runs.tables()) == 2
    assert runs.run().done_rows == 25
    assert runs.tables() == ["ANSWERS", "MAILS"]
