"""The views over history, runs and evaluations."""

from __future__ import annotations

import pytest

from tests.runs_harness import BatchRuns, running_elsewhere

pytest_plugins = ("tests.registry_harness", "tests.runs_harness")


def test_the_champion_of_every_time_is_known(runs: BatchRuns) -> None:
    registry = runs.registry
    registry.call("FORCE_PROMOTE", "qa", 2, "faster")
    registry.call("ROLLBACK", "qa", '{"reason": "wrong"}')
    registry.call("SET_ALIAS", "qa", "challenger", 2, "{}")
    times = [
        time
        for (time,) in runs.rows(
            "SELECT CHANGED_AT FROM {s}.ALIAS_HISTORY WHERE ALIAS_NAME = 'champion'"
            " ORDER BY CHANGE_NUMBER"
        )
    ]
    assert runs.rows("SELECT * FROM {s}.CHAMPION_PERIODS ORDER BY VALID_FROM") == [
        ("qa", 1, times[0], times[1], "REGISTER", "first version", None, "SYS"),
        ("qa", 2, times[1], times[2], "FORCE_PROMOTE", "faster", None, "SYS"),
        ("qa", 1, times[2], None, "ROLLBACK", "wrong", None, "SYS"),
    ]
    for time, champion in zip(times, (1, 2, 1), strict=True):
        assert runs.rows(
            "SELECT MODEL_VERSION FROM {s}.CHAMPION_PERIODS WHERE MODEL = 'qa'"
            f" AND VALID_FROM <= '{time}' AND (VALID_UNTIL > '{time}' OR VALID_UNTIL IS NULL)"
        ) == [(champion,)]


def test_use_targets_errors_and_drift_are_those_of_the_rows(runs: BatchRuns) -> None:
    runs.execute("UPDATE {w}.MAILS SET QUESTION = 'fail' WHERE MAIL_ID IN (4, 9)")
    runs.execute("UPDATE {w}.MAILS SET BODY = 'It is xylophone' WHERE MAIL_ID = 5")
    runs.run(f"{runs.source} WHERE MAIL_ID <= 10", chunk_rows=6, model="qa@v2")
    with running_elsewhere(runs) as other:
        other.run(f"{runs.source} WHERE MAIL_ID IN (11, 12)", model="qa@v2")
    day = runs.rows("SELECT CAST(MAX(WRITTEN_AT) AS DATE) FROM {s}.RUN_CHUNKS")[0][0]
    # Seven answers of five characters and one of nine, of which one is not grounded; and two more.
    assert runs.rows("SELECT * FROM {s}.ERROR_CODES")[0][:5] == (
        "qa", 2, "E-EXALLM-ROW-4", 2, 1,
    )  # fmt: skip
    assert runs.rows("SELECT * FROM {s}.RUN_TARGETS")[0][:8] == (
        "qa", 2, "RUNS_WORK", "ANSWERS", "AI_ANSWER", 2, 12, 2,
    )  # fmt: skip
    use = runs.rows("SELECT * FROM {s}.USE_BY_DAY")
    assert len(use) == 1
    assert use[0][:9] == (day, "SYS", "qa", 2, 2, 12, 2, 39, 10)
    assert use[0][9] == pytest.approx(0.02)
    total = runs.rows("SELECT SUM(SECONDS) FROM {s}.RUNS")[0][0]
    assert use[0][10] == pytest.approx(total)
    drift = "SELECT * FROM {s}.DRIFT_BY_DAY"
    seen = ("qa", 2, "answer", 12, 10, 5.4, 0.9, pytest.approx(2 / 12))
    assert runs.rows(drift) == [(day, *seen, *[None] * 7)]
    runs.registry.evaluate_as(2, [0.0])
    evaluation = runs.registry.evaluate_as(2, [1.0, 0.5])
    assert runs.rows(drift) == [
        (day, *seen, evaluation, 1.0, 1.0, 0.0, pytest.approx(4.4), pytest.approx(-0.1),
         pytest.approx(2 / 12))
    ]  # fmt: skip
