"""RUN_BATCH with a real model."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable

import pyexasol
import pytest

from exallm.installer.models import ModelRequest, add_model
from exallm.local.engine_home import EngineHome
from tests.engine_processes import wait_for, workers_of
from tests.registry_harness import InstalledRegistry, Rows

pytest_plugins = ("tests.registry_harness",)


pytestmark = pytest.mark.model

QUESTIONS = (
    "Who opened the bridge?",
    "When was the bridge opened?",
    "What did Jan Dreyer open?",
    "In which year did Jan Dreyer open the bridge?",
    "What was opened in 1954?",
    "By whom was the bridge opened?",
    "What year is named?",
    "Which person is named?",
)
BRIDGE = "The bridge was opened by Jan Dreyer in 1954."


def with_model(install: Callable[[str], InstalledRegistry], schema: str) -> InstalledRegistry:
    """An installation with a real model, and a table for texts."""
    registry = install(schema)
    add_model(
        registry.connection,
        registry.target,
        ModelRequest("smollm2", "qa"),
        lambda step: None,
        lambda *_: None,
    )
    registry.run("CREATE TABLE {s}.TEXTS (ID INT, QUESTION VARCHAR(200), BODY VARCHAR(200))")
    return registry


def run_batch(registry: InstalledRegistry, **more: object) -> tuple[object, ...]:
    """Answer the texts in chunks of two."""
    settings = {"chunk_rows": 2, "options": {"max_new_tokens": 12, "reproducible": True}, **more}
    source = f"SELECT ID AS ROW_ID, QUESTION, BODY AS CONTEXT FROM {registry.schema}.TEXTS"
    target = f"{registry.schema}.ANSWERS"
    return registry.call("RUN_BATCH", "AI_ANSWER", source, target, json.dumps(settings))[0]


def answers_of(registry: InstalledRegistry) -> Rows:
    """What has been answered."""
    return registry.rows("SELECT ROW_ID, ANSWER FROM {s}.ANSWERS ORDER BY ROW_ID")


def test_a_real_model_fills_a_table_in_chunks(
    install_registry: Callable[[str], InstalledRegistry],
) -> None:
    registry = with_model(install_registry, "RUNS_MODEL")
    registry.run(
        "INSERT INTO {s}.TEXTS VALUES"
        f" (1, 'Who opened the bridge?', '{BRIDGE}'),"
        f" (2, 'When was the bridge opened?', '{BRIDGE}'),"
        " (3, 'Where is the mill?', 'The mill of Aldern stands beside the river Ilm.')"
    )
    counted = run_batch(registry, dry_run=True)
    tokens = registry.rows(
        "SELECT SUM({s}.TOKEN_COUNT('qa', QUESTION)) + SUM({s}.TOKEN_COUNT('qa', BODY))"
        " FROM {s}.TEXTS"
    )
    assert (counted[4], counted[7]) == (3, int(tokens[0][0]))
    done = run_batch(registry)
    assert done[1:7] == ("DONE", None, 3, 3, 3, 0)
    assert int(str(done[7])) > int(str(counted[7]))
    assert registry.rows("SELECT ROW_ID, MODEL_VERSION FROM {s}.ANSWERS ORDER BY ROW_ID") == [
        (number, "qa@v1") for number in ("1", "2", "3")
    ]
    answers = answers_of(registry)
    assert any(answer for _, answer in answers)
    assert run_batch(registry)[4:6] == (0, 0)
    registry.run("DELETE FROM {s}.ANSWERS WHERE ROW_ID = '2'")
    assert run_batch(registry)[4:6] == (1, 1)
    assert answers_of(registry) == answers


def test_a_process_killed_while_the_model_answers_fails_the_run_and_the_same_call_goes_on(
    install_registry: Callable[[str], InstalledRegistry], registry_engine: EngineHome
) -> None:
    registry = with_model(install_registry, "RUNS_MODEL_KILLED")
    rows = ", ".join(f"({n}, '{q}', '{BRIDGE}')" for n, q in enumerate(QUESTIONS, 1))
    registry.run(f"INSERT INTO {{s}}.TEXTS VALUES {rows}")
    run_batch(registry)
    expected = answers_of(registry)
    assert len(expected) == len(QUESTIONS)
    registry.run("DROP TABLE {s}.ANSWERS")
    running = registry_engine.running()
    assert running is not None
    messages: list[str] = []

    def fail() -> None:
        with pytest.raises(pyexasol.ExaQueryError) as caught:
            run_batch(registry)
        messages.append(caught.value.message)

    thread = threading.Thread(target=fail)
    with registry.target.database.connect() as watching:
        watching.set_autocommit(True)
        count = f"SELECT COUNT(*) FROM {registry.schema}.RUN_CHUNKS"
        before = watching.execute(count).fetchval()
        thread.start()
        wait_for(lambda: watching.execute(count).fetchval() > before)
        while thread.is_alive():
            for worker in workers_of(running.pid):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.02)
    thread.join()
    assert "E-EXALLM-LOCAL-24" in messages[0]
    left = len(answers_of(registry))
    assert 2 <= left < len(QUESTIONS)
    assert run_batch(registry)[5] == len(QUESTIONS) - left
    assert answers_of(registry) == expected
