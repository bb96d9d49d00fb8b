"""EVALUATE: over tables whose right answers are known."""

from __future__ import annotations

import json
from typing import Any

import pyexasol
import pytest

from exallm.installer.models import ModelRequest, add_model
from tests.registry_harness import InstalledRegistry, stand_in

# In the place of a model: version 1 knows the even ids only and fails on 4, version 2 knows all.
# The answer is the last word of the context or prompt. Texts of ten characters are cut off.
ANSWER_RULE = """
import json
def run(ctx):
    while True:
        row_id, question, context, options = ctx[0], ctx[1], ctx[2], ctx[3]
        version = json.loads(options)["model"]
        assert version in ("qa@v1", "qa@v2"), version
        answer = context.split()[-1] if version == "qa@v2" or int(row_id) % 2 == 0 else "unknown"
        failed = version == "qa@v1" and row_id == "4"
        if failed:
            ctx.emit(row_id, None, None, None, None, None, "error", None, None, None, None,
                     "E-EXALLM-ROW-4", "the engine failed")
        elif answer == "nothing":
            ctx.emit(row_id, None, None, None, 0.5, None, "no_answer", version, 5, 1, 2.0, None,
                     None)
        else:
            reason = "length" if len(answer) == 10 else "stop"
            ctx.emit(row_id, answer, 1, len(answer), 0.5, answer in context, reason, version, 5, 2,
                     2.0, None, None)
        if not ctx.next():
            return
"""
COMPLETE_RULE = """
def run(ctx):
    while True:
        row_id, model, prompt, options = ctx[0], ctx[1], ctx[2], ctx[3]
        ctx.emit(row_id, prompt.split()[-1], "stop", model, 5, 2, 2.0, None, None)
        if not ctx.next():
            return
"""


@pytest.fixture
def asked(three: InstalledRegistry) -> InstalledRegistry:
    """Versions 1 and 2 of qa with rules in place of models, and the table GOLD of four rows."""
    stand_in(three, "AI_ANSWER_BATCH", ANSWER_RULE)
    stand_in(three, "AI_COMPLETE_BATCH", COMPLETE_RULE)
    three.run(
        "CREATE TABLE {s}.GOLD (ID INT, CONTEXT VARCHAR(200), QUESTION VARCHAR(200),"
        " ANSWERS VARCHAR(200))"
    )
    three.run(
        "INSERT INTO {s}.GOLD VALUES"
        """ (1, 'It is blue', 'What?', '["blue", "azure"]'), (2, 'Say nothing', 'What?', '[]'),"""
        """ (3, 'It was yesterdays', 'When?', '["yesterdays news"]'),"""
        """ (4, 'It is red', 'What?', '["red"]')"""
    )
    return three


def evaluate(registry: InstalledRegistry, version: int, options: str = "{}") -> tuple[Any, ...]:
    (figures,) = registry.call("EVALUATE", "qa", version, f"{registry.schema}.GOLD", options)
    return figures


def test_figures_answers_and_settings_are_kept(asked: InstalledRegistry) -> None:
    evaluation, *figures = evaluate(asked, 2, '{"max_new_tokens": 4}')
    exact, f1, stopped, grounded = 3 / 4, (1 + 1 + 2 / 3 + 1) / 4, 3 / 4, 1.0
    assert figures == [
        4, exact, pytest.approx(f1, abs=1e-12), stopped, grounded, 0, 20, 7, 8.0
    ]  # fmt: skip
    kept = asked.rows(
        "SELECT MODEL, MODEL_VERSION, TASK, DATASET, DATASET_ROWS, CALL_OPTIONS, DECODING,"
        f" EVALUATED_BY FROM {{s}}.EVALUATIONS WHERE EVALUATION_ID = '{evaluation}'"
    )[0]
    assert kept[:3] == ("qa", 2, "answer")
    assert kept[3:6] == (f'{asked.schema}."GOLD"', 4, '{"max_new_tokens": 4}')
    assert json.loads(kept[6]) == {
        "max_new_tokens": 4,
        "temperature": 0.0,
        "seed": 0,
        "stop": ["\n"],
        "reproducible": False,
        "share_prefixes": True,
        "template": "{ctx}",
    }
    assert kept[7] == "SYS"
    answers = asked.rows(
        "SELECT ROW_ID, ACCEPTED, ANSWER, EXACT_MATCH, F1, GROUNDED, FINISH_REASON FROM"
        " {s}.EVALUATION_ANSWERS ORDER BY ROW_ID"
    )
    assert answers == [
        ("1", '["blue", "azure"]', "blue", 1.0, 1.0, True, "stop"),
        ("2", "[]", None, 1.0, 1.0, None, "no_answer"),
        ("3", '["yesterdays news"]', "yesterdays", 0.0, pytest.approx(2 / 3), True, "length"),
        ("4", '["red"]', "red", 1.0, 1.0, True, "stop"),
    ]


def test_a_row_that_failed_is_wrong_and_counted(asked: InstalledRegistry) -> None:
    figures = evaluate(asked, 1)
    assert figures[1:7] == (4, 0.25, 0.25, 0.75, 0.0, 1)
    assert asked.rows(
        "SELECT ANSWER, EXACT_MATCH, F1, ERROR_CODE, ERROR_MESSAGE FROM {s}.EVALUATION_ANSWERS"
        " WHERE ROW_ID = '4'"
    ) == [(None, 0.0, 0.0, "E-EXALLM-ROW-4", "the engine failed")]


def test_evaluate_promote_and_roll_back(asked: InstalledRegistry) -> None:
    evaluate(asked, 1)
    evaluate(asked, 2)
    dataset = f"{asked.schema}.gold"
    asked.fails(40, "PROMOTE", "qa", 2, json.dumps({"dataset": dataset, "margin": 0.9}))
    asked.call("PROMOTE", "qa", 2, json.dumps({"dataset": dataset}))
    assert asked.champion() == 2
    asked.call("ROLLBACK", "qa", "{}")
    assert asked.champion() == 1


def test_the_hash_of_a_dataset_does_not_depend_on_the_order_of_its_rows(
    asked: InstalledRegistry,
) -> None:
    evaluate(asked, 2)
    asked.run(
        "CREATE TABLE {s}.AGAIN AS SELECT ANSWERS, QUESTION, CONTEXT, ID FROM {s}.GOLD"
        " ORDER BY ID DESC"
    )
    asked.call("EVALUATE", "qa", 2, f"{asked.schema}.AGAIN", "{}")
    asked.run("UPDATE {s}.AGAIN SET QUESTION = 'Why?' WHERE ID = 1")
    asked.call("EVALUATE", "qa", 2, f"{asked.schema}.AGAIN", "{}")
    hashes = [
        sha256
        for (sha256,) in asked.rows(
            "SELECT DATASET_SHA256 FROM {s}.EVALUATIONS ORDER BY EVALUATED_AT"
        )
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_prompts_with_and_without_ids(asked: InstalledRegistry) -> None:
    asked.run("CREATE TABLE {s}.PAIRS_ (PROMPT VARCHAR(100), COMPLETION VARCHAR(100))")
    asked.run("INSERT INTO {s}.PAIRS_ VALUES ('say yes', 'yes'), ('say no', 'never')")
    (figures,) = asked.call("EVALUATE", "qa", 1, f"{asked.schema}.PAIRS_", "{}")
    assert figures[1:6] == (2, 0.5, 0.5, 1.0, None)
    asked.run(
        "CREATE TABLE {s}.NUMBERED AS SELECT 'n' || PROMPT AS ID, PROMPT, COMPLETION"
        " FROM {s}.PAIRS_"
    )
    asked.call("EVALUATE", "qa", 1, f"{asked.schema}.NUMBERED", "{}")
    assert asked.rows(
        "SELECT ROW_ID, ACCEPTED, ANSWER FROM {s}.EVALUATION_ANSWERS WHERE ROW_ID LIKE 'n%'"
        " ORDER BY ROW_ID"
    ) == [("nsay no", "never", "no"), ("nsay yes", "yes", "yes")]
    asked.run("INSERT INTO {s}.PAIRS_ VALUES ('say no', 'no')")
    assert "stands twice" in asked.fails(38, "EVALUATE", "qa", 1, f"{asked.schema}.PAIRS_", "{}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM {s}.GOLD", "has no rows"),
        ("UPDATE {s}.GOLD SET ANSWERS = NULL WHERE ID = 3", "row '3' has no label"),
        ("UPDATE {s}.GOLD SET ANSWERS = 'red' WHERE ID = 4", "row '4': the answers are not a JSON"),
        ("UPDATE {s}.GOLD SET ANSWERS = '[1]' WHERE ID = 4", "row '4': the answers are not a JSON"),
        ("UPDATE {s}.GOLD SET ID = 1 WHERE ID = 2", "the id '1' stands twice"),
        ("UPDATE {s}.GOLD SET ID = NULL WHERE ID = 2", "NULL in place of its id"),
        ("UPDATE {s}.GOLD SET CONTEXT = '' WHERE ID = 2", "row '2' has no context"),
        ("UPDATE {s}.GOLD SET QUESTION = NULL WHERE ID = 2", "row '2' has no question"),
    ],
)
def test_rows_that_cannot_be_evaluated_on_are_named(
    asked: InstalledRegistry, change: str, problem: str
) -> None:
    asked.run(change)
    assert problem in asked.fails(38, "EVALUATE", "qa", 1, f"{asked.schema}.GOLD", "{}")
    assert asked.rows("SELECT COUNT(*) FROM {s}.EVALUATION_ANSWERS") == [(0,)]


def test_tables_that_are_no_datasets_are_refused(asked: InstalledRegistry) -> None:
    asked.run("ALTER TABLE {s}.GOLD DROP COLUMN ANSWERS")
    assert "lacks columns" in asked.fails(37, "EVALUATE", "qa", 1, f"{asked.schema}.GOLD", "{}")
    for name in ("A.B.C", "GOLD;", "'GOLD'", "GOLD WHERE 1=1", "", None, '"GOLD', "(SELECT 1)"):
        asked.fails(37, "EVALUATE", "qa", 1, name, "{}")
    assert "no schema is open" in asked.fails(37, "EVALUATE", "qa", 1, "GOLD", "{}")
    with pytest.raises(pyexasol.ExaQueryError, match="NOWHERE"):
        asked.call("EVALUATE", "qa", 1, "NOWHERE.GOLD", "{}")


def test_a_table_may_have_any_name_and_the_open_schema(asked: InstalledRegistry) -> None:
    asked.run('CREATE TABLE {s}."select ""x"".y" AS SELECT * FROM {s}.GOLD')
    asked.run("OPEN SCHEMA {s}")
    asked.call("EVALUATE", "qa", 2, '"select ""x"".y"', "{}")
    asked.call("EVALUATE", "qa", 2, "gold", "{}")
    assert asked.rows("SELECT DATASET FROM {s}.EVALUATIONS ORDER BY EVALUATED_AT") == [
        (f'{asked.schema}."select ""x"".y"',),
        (f'{asked.schema}."GOLD"',),
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ('{"beams": 3}', "unknown key 'beams'"),
        ('{"model": "qa@v1"}', "'model' is the version that is evaluated"),
        ("[]", "not a JSON object"),
        ('{"temperature": "hot"}', "'temperature' has to be a number"),
    ],
)
def test_options_are_checked_before_any_row(
    asked: InstalledRegistry, options: str, problem: str
) -> None:
    table = f"{asked.schema}.GOLD"
    assert problem in asked.fails(48, "EVALUATE", "qa", 1, table, options)


def test_an_empty_list_of_stop_texts_stays_a_list(asked: InstalledRegistry) -> None:
    evaluate(asked, 2, '{"stop": []}')
    assert asked.rows("SELECT CALL_OPTIONS FROM {s}.EVALUATIONS") == [('{"stop": []}',)]


@pytest.mark.model
def test_a_real_model_is_evaluated_in_the_database(registry: InstalledRegistry) -> None:
    add_model(
        registry.connection,
        registry.target,
        ModelRequest("smollm2", "qa"),
        lambda step: None,
        lambda *_: None,
    )
    registry.run(
        "CREATE TABLE {s}.GOLD (ID INT, CONTEXT VARCHAR(2000), QUESTION VARCHAR(2000),"
        " ANSWERS VARCHAR(2000))"
    )
    registry.run(
        "INSERT INTO {s}.GOLD VALUES (1, 'The bridge was opened by Jan Dreyer in 1954.',"
        """ 'Who opened the bridge?', '["Jan Dreyer"]'), (2, 'The bridge was opened by Jan Dreyer"""
        """ in 1954.', 'When was the bridge opened?', '["1954", "in 1954"]')"""
    )
    figures = evaluate(registry, 1)
    assert figures[1] == 2
    assert 0.5 <= figures[2] <= figures[3] <= 1.0
    assert figures[6] == 0
    assert figures[7] > 40
    assert 0 < figures[8] <= 64
    assert figures[9] > 0
    answers = registry.rows("SELECT ANSWER FROM {s}.EVALUATION_ANSWERS ORDER BY ROW_ID")
    assert all(answer for (answer,) in answers)
