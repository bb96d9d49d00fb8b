"""RUN_BATCH: what it writes, what it passes over, and what it refuses."""

from __future__ import annotations

import hashlib

import pytest

from tests.runs_harness import BatchRuns

pytest_plugins = ("tests.registry_harness", "tests.runs_harness")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_run_writes_every_row_with_all_that_made_it(runs: BatchRuns) -> None:
    outcome = runs.run(chunk_rows=15, options={"max_new_tokens": 4})
    assert outcome[1:9] == ("DONE", None, 25, 25, 25, 0, 100, 25)
    rows = runs.rows("SELECT * FROM {w}.ANSWERS ORDER BY CAST(ROW_ID AS DECIMAL(9,0))")
    package = runs.rows("SELECT SHA256 FROM {s}.MODEL_VERSIONS WHERE MODEL_VERSION = 1")[0][0]
    inputs = digest(digest("What 1?") + digest("Text 1 is word1"))
    assert rows[0][:-1] == (
        "1", inputs, "word1", 1, 5, 4.0, True, "stop", "qa@v1", 4, 1, 2.0, None, None,
        outcome.run_id, package, digest('AI_ANSWER {"max_new_tokens": 4}'),
    )  # fmt: skip
    assert [row[2] for row in rows] == [f"word{number % 7}" for number in range(1, 26)]
    assert runs.tables() == ["ANSWERS", "MAILS"]
    assert runs.rows(
        "SELECT FUNCTION_NAME, MODEL, MODEL_VERSION, PACKAGE_SHA256, SOURCE_QUERY, SOURCE_SHA256,"
        " TARGET_SCHEMA, TARGET_TABLE, CALL_OPTIONS, SOURCE_ROWS, PENDING_ROWS, DONE_ROWS,"
        " PROMPT_TOKENS, COMPLETION_TOKENS, RUN_STATE, STOPPED_BY, STARTED_BY FROM {s}.RUNS"
    ) == [
        ("AI_ANSWER", "qa", 1, package, runs.source, digest(runs.source), runs.work, "ANSWERS",
         '{"max_new_tokens": 4}', 25, 25, 25, 100, 25, "DONE", None, "SYS")
    ]  # fmt: skip
    assert runs.rows(
        "SELECT CHUNK_NUMBER, CHUNK_ROWS, ANSWER_CHARACTERS, GROUNDED_ROWS FROM {s}.RUN_CHUNKS"
        " ORDER BY CHUNK_NUMBER"
    ) == [(1, 15, 75, 15), (2, 10, 50, 10)]


def test_a_row_is_done_once_for_its_texts_package_and_options(runs: BatchRuns) -> None:
    first = runs.run()
    before = runs.answers()
    again = runs.run()
    assert (again.state, again.pending_rows, again.done_rows) == ("DONE", 0, 0)
    assert runs.answers() == before
    runs.execute("UPDATE {w}.MAILS SET BODY = 'Now it is new' WHERE MAIL_ID = 3")
    runs.execute("INSERT INTO {w}.MAILS VALUES (26, 'What?', 'It is added')")
    assert runs.run()[3:6] == (26, 2, 2)
    changed = dict(runs.rows("SELECT ROW_ID, ANSWER FROM {w}.ANSWERS"))
    assert (len(changed), changed["3"], changed["26"]) == (26, "new", "added")
    # Another version answers all rows anew, each in the place of the former one.
    assert runs.run(model="qa@v2").done_rows == 26
    assert runs.rows("SELECT MODEL_VERSION, COUNT(*) FROM {w}.ANSWERS GROUP BY 1") == [
        ("qa@v2", 26)
    ]
    two = f"{runs.source} WHERE MAIL_ID < 3"
    assert runs.run(two, model="qa@v2", options={"seed": 1})[3:6] == (2, 2, 2)
    assert first.run_id not in {run for (run,) in runs.rows("SELECT RUN_ID FROM {w}.ANSWERS")}


def test_failed_rows_are_kept_and_retried_when_asked(runs: BatchRuns) -> None:
    runs.execute("UPDATE {w}.MAILS SET QUESTION = 'fail' WHERE MAIL_ID IN (4, 9)")
    runs.execute("UPDATE {w}.MAILS SET QUESTION = NULL WHERE MAIL_ID = 5")
    assert runs.run()[5:7] == (25, 2)
    assert runs.rows(
        "SELECT ROW_ID, ANSWER, FINISH_REASON, MODEL_VERSION, ERROR_CODE, ERROR_MESSAGE"
        " FROM {w}.ANSWERS WHERE ANSWER IS NULL ORDER BY ROW_ID"
    ) == [
        ("4", None, "error", "qa@v1", "E-EXALLM-ROW-4", "the engine failed"),
        ("5", None, "no_input", "qa@v1", None, None),
        ("9", None, "error", "qa@v1", "E-EXALLM-ROW-4", "the engine failed"),
    ]
    assert runs.run().pending_rows == 0
    # New rows are not what a retry is for.
    runs.execute("INSERT INTO {w}.MAILS VALUES (26, 'What?', 'It is added')")
    assert runs.run(retry_errors=True)[3:7] == (26, 2, 2, 2)
    assert runs.rows("SELECT ERROR_CODE, ERROR_ROWS FROM {s}.RUN_ERRORS") == [
        ("E-EXALLM-ROW-4", 2),
        ("E-EXALLM-ROW-4", 2),
    ]
    assert runs.rows("SELECT COUNT(*), COUNT(DISTINCT ROW_ID) FROM {w}.ANSWERS") == [(25, 25)]


@pytest.mark.parametrize(
    ("function", "texts"),
    [("AI_COMPLETE", ["WHAT 1?", "WHAT 2?"]), ("gpt2_inference", ["what 1?", "what 2?"])],
)
def test_prompts_are_completed(runs: BatchRuns, function: str, texts: list[str]) -> None:
    source = (
        "WITH TWO AS (SELECT * FROM {w}.MAILS WHERE MAIL_ID < 3) -- ;) \n"
        "SELECT 'M' || MAIL_ID AS ROW_ID, QUESTION AS PROMPT FROM TWO ORDER BY 1 --"
    ).replace("{w}", runs.work)
    outcome = runs.run(source, function=function, target='"RUNS_WORK"."a ""b""; --"')
    assert outcome[1:7] == ("DONE", None, 2, 2, 2, 0)
    found = runs.rows(
        'SELECT ROW_ID, GENERATED_TEXT, MODEL_VERSION FROM {w}."a ""b""; --" ORDER BY ROW_ID'
    )
    assert found == [("M1", texts[0], "qa@v1"), ("M2", texts[1], "qa@v1")]


def test_a_source_query_that_cannot_be_run_is_refused_and_changes_nothing(runs: BatchRuns) -> None:
    for query in (
        "DELETE FROM RUNS_WORK.MAILS",
        "SELECT 1; DELETE FROM RUNS_WORK.MAILS",
        "SELECT 1) X; DELETE FROM RUNS_WORK.MAILS --",
    ):
        runs.fails(11, query)
    assert runs.runs() == []
    message = runs.fails(12, "SELECT MAIL_ID AS ROW_ID, QUESTION FROM RUNS_WORK.MAILS")
    assert "it has to give ROW_ID, QUESTION, CONTEXT" in message
    runs.fails(12, "SELECT 1 AS ROW_ID, 'q' AS QUESTION, 'c' AS CONTEXT FROM RUNS_WORK.NONE")
    # It fails on the fourth row.
    runs.fails(12, runs.source.replace("MAIL_ID AS", "1 / (MAIL_ID - 4) AS"))
    message = runs.fails(13, runs.source.replace("MAIL_ID AS", "NULLIF(MAIL_ID, 4) AS"))
    assert "1 rows of the source query have no ROW_ID" in message
    message = runs.fails(13, runs.source.replace("MAIL_ID AS", "MOD(MAIL_ID, 24) AS"))
    assert "the ROW_ID 1 stands in 2 rows" in message
    assert runs.runs() == [("FAILED", 0, 0)] * 5
    assert runs.rows("SELECT COUNT(*) FROM {w}.MAILS") == [(25,)]
    assert runs.tables() == ["MAILS"]


def test_a_source_without_rows_gives_a_table_without_rows(runs: BatchRuns) -> None:
    assert runs.run(f"{runs.source} WHERE 1 = 0")[1:7] == ("DONE", None, 0, 0, 0, 0)
    assert runs.rows("SELECT COUNT(*) FROM {w}.ANSWERS") == [(0,)]


def test_a_target_of_another_shape_is_refused_with_what_differs(runs: BatchRuns) -> None:
    message = runs.fails(15, target=f"{runs.work}.MAILS")
    assert "ROW_ID VARCHAR(2000) is missing; INPUT_SHA256 VARCHAR(64) is missing" in message
    assert "BODY, MAIL_ID, QUESTION does not belong to it" in message
    runs.execute("CREATE VIEW {w}.ANSWERS AS SELECT * FROM {w}.MAILS")
    assert '"RUNS_WORK"."ANSWERS" is a view' in runs.fails(15)
    runs.execute("DROP VIEW {w}.ANSWERS")
    runs.run(f"{runs.source} WHERE MAIL_ID = 1")
    runs.execute("ALTER TABLE {w}.ANSWERS ADD COLUMN REMARK DECIMAL(9,0)")
    assert "REMARK does not belong to it" in runs.fails(15)
    runs.execute("ALTER TABLE {w}.ANSWERS DROP COLUMN REMARK")
    runs.execute("ALTER TABLE {w}.ANSWERS DROP COLUMN SCORE")
    runs.execute("ALTER TABLE {w}.ANSWERS ADD COLUMN SCORE DECIMAL(9,0)")
    message = runs.fails(15)
    assert "has another shape: SCORE is DECIMAL(9,0) and not DOUBLE; name" in message
    assert "GENERATED_TEXT VARCHAR(2000000) is missing" in runs.fails(
        15, runs.source.replace("BODY AS CONTEXT", "BODY AS PROMPT"), function="AI_COMPLETE"
    )


def test_a_budget_is_counted_before_the_start(runs: BatchRuns) -> None:
    assert "would take 25 rows of a budget of 24" in runs.fails(16, budget={"rows": 24})
    assert "would take 150 tokens of a budget of 149" in runs.fails(16, budget={"tokens": 149})
    assert runs.tables() == ["MAILS"]
    stopped = runs.run(budget={"rows": 7}, on_budget="stop", chunk_rows=5)
    assert stopped[1:6] == ("STOPPED", "the budget of rows", 25, 25, 7)
    dry = runs.run(dry_run=True, budget={"rows": 7})
    assert dry[:9] == (None, "DRY_RUN", "the budget of rows", 25, 18, 0, 0, 108, 18)
    assert dry.seconds is not None
    assert dry.seconds > 0
    assert runs.rows("SELECT COUNT(*) FROM {w}.ANSWERS") == [(7,)]
    assert runs.run(budget={"rows": 18, "seconds": 1000}).done_rows == 18


def test_a_budget_stops_a_run_between_two_chunks(runs: BatchRuns) -> None:
    used = runs.run(budget={"tokens": 40}, on_budget="stop", chunk_rows=5)
    assert used[1:6] == ("STOPPED", "the budget of tokens", 25, 25, 10)
    assert used.prompt_tokens + (used.completion_tokens or 0) == 50
    slow = runs.run(budget={"seconds": 0.001}, chunk_rows=5)
    assert slow[1:6] == ("STOPPED", "the budget of seconds", 25, 15, 5)
    assert runs.run().done_rows == 10
    assert runs.tables() == ["ANSWERS", "MAILS"]


def test_unknown_models_functions_and_options_are_named(runs: BatchRuns) -> None:
    runs.fails(10, function="TOKEN_COUNT")
    runs.fails(2, options={"chunks": 1})
    registry = runs.registry
    registry.fails(3, "RUN_BATCH", "AI_ANSWER", runs.source, "T", '{"model": "qb"}')
    registry.fails(4, "RUN_BATCH", "AI_ANSWER", runs.source, "RUNS_WORK.T", '{"model": "qa@v9"}')
    registry.fails(5, "RUN_BATCH", "AI_ANSWER", runs.source, "RUNS_WORK.T", '{"model": "qa@x"}')
    assert "no schema is open" in runs.fails(14, target="ANSWERS")
    assert runs.runs() == []
