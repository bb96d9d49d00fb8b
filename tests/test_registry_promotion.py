"""The gate before the champion, and the way back."""

from __future__ import annotations

import json

import pytest

from tests.registry_harness import InstalledRegistry

LOW = [0.0] * 30 + [1.0] * 10
HIGH = [0.0] * 10 + [1.0] * 30


def test_a_better_version_is_promoted_with_its_figures(three: InstalledRegistry) -> None:
    against = three.evaluate_as(1, LOW)
    candidate = three.evaluate_as(2, HIGH)
    ((model, old, new, metric, dataset, rows, first, second, gain, low, high, margin),) = (
        three.call("PROMOTE", "qa", 2, '{"margin": 0.3, "reason": "spring"}')
    )
    assert (model, old, new, metric, dataset, rows) == ("qa", 1, 2, "f1", '"D"."T"', 40)
    assert (first, second, gain, margin) == (0.25, 0.75, 0.5, 0.3)
    assert 0.3 < low < 0.4
    assert 0.6 < high < 0.7
    assert three.champion() == 2
    kept = three.rows(
        "SELECT CHANGE_KIND, REASON, EVALUATION_ID, AGAINST_EVALUATION_ID, GATE FROM"
        " {s}.ALIAS_HISTORY ORDER BY CHANGE_NUMBER DESC LIMIT 1"
    )[0]
    assert kept[:4] == ("PROMOTE", "spring", candidate, against)
    gate = json.loads(kept[4])
    assert (gate["rows"], gate["difference"], gate["lower"]) == (40, 0.5, low)


def test_the_same_evaluations_give_the_same_interval(three: InstalledRegistry) -> None:
    three.evaluate_as(1, LOW)
    three.evaluate_as(2, HIGH)
    first = three.call("PROMOTE", "qa", 2, "{}")
    three.call("ROLLBACK", "qa", "{}")
    assert three.call("PROMOTE", "qa", 2, "{}") == first
    three.call("ROLLBACK", "qa", "{}")
    wide = three.call("PROMOTE", "qa", 2, '{"confidence": 0.99, "seed": 7}')
    assert wide[0][9] < first[0][9] < first[0][10] < wide[0][10]


@pytest.mark.parametrize(
    ("scores", "settings", "figures"),
    [
        (HIGH, '{"margin": 0.4}', "difference 0.5000, 95% interval 0."),
        (LOW, "{}", "difference 0.0000, 95% interval 0.0000 to 0.0000"),
        ([0.0] * 40, "{}", "difference -0.2500"),
        ([0.0] * 40, '{"margin": -0.1}', "difference -0.2500"),
    ],
)
def test_a_version_that_is_not_better_is_refused_with_figures(
    three: InstalledRegistry, scores: list[float], settings: str, figures: str
) -> None:
    three.evaluate_as(1, LOW)
    three.evaluate_as(2, scores)
    message = three.fails(40, "PROMOTE", "qa", 2, settings)
    assert figures in message
    assert '40 rows of "D"."T"' in message
    assert "FORCE_PROMOTE" in message
    assert three.champion() == 1
    assert three.history() == [(None, 1, "REGISTER")]


def test_a_margin_below_zero_lets_an_equal_version_pass(three: InstalledRegistry) -> None:
    three.evaluate_as(1, LOW)
    three.evaluate_as(2, LOW)
    three.call("PROMOTE", "qa", 2, '{"margin": -0.01}')
    assert three.champion() == 2


def test_evaluations_have_to_be_there_and_of_the_same_rows_and_options(
    three: InstalledRegistry,
) -> None:
    assert "version 2 has no evaluation" in three.fails(39, "PROMOTE", "qa", 2, "{}")
    three.evaluate_as(2, HIGH)
    assert "version 1 has no evaluation" in three.fails(39, "PROMOTE", "qa", 2, "{}")
    three.evaluate_as(1, LOW, sha256="f" * 64)
    three.evaluate_as(1, LOW, options='{"seed": 1}')
    three.evaluate_as(1, LOW, task="complete")
    assert "the same rows with the same options" in three.fails(39, "PROMOTE", "qa", 2, "{}")
    three.evaluate_as(1, LOW)
    assert '"D"."U"' in three.fails(39, "PROMOTE", "qa", 2, '{"dataset": "D.U"}')
    three.call("PROMOTE", "qa", 2, '{"dataset": "d.t"}')
    assert three.champion() == 2


def test_the_latest_evaluations_count(three: InstalledRegistry) -> None:
    three.evaluate_as(1, LOW)
    three.evaluate_as(2, LOW)
    three.evaluate_as(2, HIGH)
    three.call("PROMOTE", "qa", 2, "{}")
    assert three.champion() == 2


def test_answers_that_are_missing_stop_the_comparison(three: InstalledRegistry) -> None:
    three.evaluate_as(1, LOW)
    evaluation = three.evaluate_as(2, HIGH)
    three.run(
        "DELETE FROM {s}.EVALUATION_ANSWERS"
        f" WHERE EVALUATION_ID = '{evaluation}' AND ROW_ID = '3'"
    )
    three.fails(42, "PROMOTE", "qa", 2, "{}")


def test_exact_match_can_decide(three: InstalledRegistry) -> None:
    three.evaluate_as(1, [0.9] * 20)
    three.evaluate_as(2, [0.5] * 10 + [1.0] * 10)
    three.fails(40, "PROMOTE", "qa", 2, "{}")
    three.call("PROMOTE", "qa", 2, '{"metric": "exact_match"}')
    assert three.champion() == 2


@pytest.mark.parametrize(
    "settings",
    [
        '{"margin": 2}',
        '{"margin": "0.1"}',
        '{"metric": "bleu"}',
        '{"confidence": 1}',
        '{"confidence": 0.4}',
        '{"seed": 0.5}',
        '{"seed": -1}',
        '{"dataset": 3}',
        '{"threshold": 1}',
    ],
)
def test_settings_of_a_promotion_are_checked(three: InstalledRegistry, settings: str) -> None:
    three.fails(16, "PROMOTE", "qa", 2, settings)


def test_a_model_without_a_champion_gets_one(three: InstalledRegistry) -> None:
    three.run("DELETE FROM {s}.MODEL_ALIASES")
    outcome = three.call("PROMOTE", "qa", 2, "{}")
    assert outcome[0][:4] == ("qa", None, 2, None)
    assert three.champion() == 2


def test_the_champion_cannot_be_promoted_again(three: InstalledRegistry) -> None:
    three.fails(41, "PROMOTE", "qa", 1, "{}")
    three.fails(41, "FORCE_PROMOTE", "qa", 1, "again")


def test_a_forced_promotion_says_so_and_why(three: InstalledRegistry) -> None:
    for reason in (None, "", "   "):
        three.fails(47, "FORCE_PROMOTE", "qa", 3, reason)
    three.call("FORCE_PROMOTE", "qa", 3, "the champion names a customer")
    assert three.champion() == 3
    assert three.history() == [(None, 1, "REGISTER"), (1, 3, "FORCE_PROMOTE")]


def test_rollbacks_go_back_step_by_step_and_never_forth(three: InstalledRegistry) -> None:
    three.call("FORCE_PROMOTE", "qa", 2, "up")
    three.call("FORCE_PROMOTE", "qa", 3, "up")
    three.call("ROLLBACK", "qa", '{"reason": "too long"}')
    assert three.champion() == 2
    three.call("ROLLBACK", "qa", "{}")
    assert three.champion() == 1
    assert "nothing before the present champion" in three.fails(36, "ROLLBACK", "qa", "{}")
    assert three.champion() == 1
    three.call("FORCE_PROMOTE", "qa", 3, "a new branch")
    three.call("FORCE_PROMOTE", "qa", 2, "and on")
    three.call("ROLLBACK", "qa", "{}")
    assert three.champion() == 3
    three.call("ROLLBACK", "qa", "{}")
    assert three.champion() == 1
    three.fails(36, "ROLLBACK", "qa", "{}")
    assert [kind for _, _, kind in three.history()] == [
        "REGISTER",
        "FORCE_PROMOTE",
        "FORCE_PROMOTE",
        "ROLLBACK",
        "ROLLBACK",
        "FORCE_PROMOTE",
        "FORCE_PROMOTE",
        "ROLLBACK",
        "ROLLBACK",
    ]


def test_a_branch_in_the_middle_leads_back_to_where_it_began(three: InstalledRegistry) -> None:
    three.add(4)
    three.call("FORCE_PROMOTE", "qa", 2, "up")
    three.call("FORCE_PROMOTE", "qa", 3, "up")
    three.call("ROLLBACK", "qa", "{}")
    three.call("FORCE_PROMOTE", "qa", 4, "another way")
    champions = []
    for _ in range(2):
        three.call("ROLLBACK", "qa", "{}")
        champions.append(three.champion())
    assert champions == [2, 1]
    three.fails(36, "ROLLBACK", "qa", "{}")


def test_a_rollback_stops_at_a_version_that_cannot_come_back(three: InstalledRegistry) -> None:
    three.call("FORCE_PROMOTE", "qa", 2, "up")
    three.call("RETIRE", "qa", 1, "{}")
    assert "version 1 is retired" in three.fails(32, "ROLLBACK", "qa", "{}")
    three.call("DELETE_VERSION", "qa", 1, "{}")
    assert "version 1 was deleted" in three.fails(33, "ROLLBACK", "qa", "{}")
    assert three.champion() == 2


def test_other_aliases_have_histories_of_their_own(three: InstalledRegistry) -> None:
    three.call("SET_ALIAS", "qa", "challenger", 2, "{}")
    three.call("SET_ALIAS", "qa", "challenger", None, "{}")
    three.call("SET_ALIAS", "qa", "challenger", 3, "{}")
    for expected in ({"champion": 1}, {"champion": 1, "challenger": 2}):
        three.call("ROLLBACK", "qa", '{"alias": "challenger"}')
        assert three.compiled().models["qa"].aliases == expected
    three.fails(36, "ROLLBACK", "qa", '{"alias": "challenger"}')
    three.fails(36, "ROLLBACK", "qa", '{"alias": "nobody"}')
    assert three.champion() == 1
