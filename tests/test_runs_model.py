"""RUN_BATCH with a real model."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from exallm.installer.models import ModelRequest, add_model
from tests.registry_harness import InstalledRegistry

pytest_plugins = ("tests.registry_harness",)


@pytest.mark.model
def test_a_real_model_fills_a_table_in_chunks(
    install_registry: Callable[[str], InstalledRegistry],
) -> None:
    registry = install_registry("RUNS_MODEL")
    add_model(
        registry.connection,
        registry.target,
        ModelRequest("smollm2", "qa"),
        lambda step: None,
        lambda *_: None,
    )
    registry.run("CREATE TABLE {s}.TEXTS (ID INT, QUESTION VARCHAR(200), BODY VARCHAR(200))")
    registry.run(
        "INSERT INTO {s}.TEXTS VALUES"
        " (1, 'Who opened the bridge?', 'The bridge was opened by Jan Dreyer in 1954.'),"
        " (2, 'When was the bridge opened?', 'The bridge was opened by Jan Dreyer in 1954.'),"
        " (3, 'Where is the mill?', 'The mill of Aldern stands beside the river Ilm.')"
    )
    source = f"SELECT ID AS ROW_ID, QUESTION, BODY AS CONTEXT FROM {registry.schema}.TEXTS"
    target = f"{registry.schema}.ANSWERS"
    settings = {"chunk_rows": 2, "options": {"max_new_tokens": 12, "reproducible": True}}

    def run(**more: object) -> tuple[object, ...]:
        text = json.dumps({**settings, **more})
        return registry.call("RUN_BATCH", "AI_ANSWER", source, target, text)[0]

    counted = run(dry_run=True)
    tokens = registry.rows(
        "SELECT SUM({s}.TOKEN_COUNT('qa', QUESTION)) + SUM({s}.TOKEN_COUNT('qa', BODY))"
        " FROM {s}.TEXTS"
    )
    assert (counted[4], counted[7]) == (3, int(tokens[0][0]))
    done = run()
    assert done[1:7] == ("DONE", None, 3, 3, 3, 0)
    assert int(str(done[7])) > int(str(counted[7]))
    assert registry.rows("SELECT ROW_ID, MODEL_VERSION FROM {s}.ANSWERS ORDER BY ROW_ID") == [
        (number, "qa@v1") for number in ("1", "2", "3")
    ]
    answers = registry.rows("SELECT ROW_ID, ANSWER FROM {s}.ANSWERS ORDER BY ROW_ID")
    assert any(answer for _, answer in answers)
    assert run()[4:6] == (0, 0)
    registry.run("DELETE FROM {s}.ANSWERS WHERE ROW_ID = '2'")
    assert run()[4:6] == (1, 1)
    assert registry.rows("SELECT ROW_ID, ANSWER FROM {s}.ANSWERS ORDER BY ROW_ID") == answers
