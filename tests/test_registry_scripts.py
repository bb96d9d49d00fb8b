"""Aliases, retirement, deletion and lists of versions, in SQL."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest

from exallm.sql_text import quote_text
from tests.registry_harness import InstalledRegistry, write_package

NASTY = [
    "qa'; DROP TABLE MODELS; --",
    'qa"; DELETE FROM MODELS; --',
    ":m",
    "::s",
    "]] error('x') --[[",
    "x" * 128,
    "SELECT",
    "qä",
    "../../etc",
    "",
    None,
]


def states(registry: InstalledRegistry) -> list[tuple[Any, ...]]:
    return registry.rows(
        "SELECT MODEL_VERSION, VERSION_STATE FROM {s}.CURRENT_VERSIONS ORDER BY MODEL_VERSION"
    )


def everything(registry: InstalledRegistry) -> list[Any]:
    tables = (
        "MODELS MODEL_VERSIONS MODEL_ALIASES ALIAS_HISTORY VERSION_STATES EVALUATIONS"
        " EVALUATION_ANSWERS FUNCTIONS"
    )
    contents = [registry.rows(f"SELECT * FROM {{s}}.{t} ORDER BY 1, 2, 3") for t in tables.split()]
    objects = registry.rows(
        "SELECT OBJECT_TYPE, ROOT_NAME, OBJECT_NAME FROM EXA_ALL_OBJECTS ORDER BY 1, 2, 3"
    )
    return [contents, objects, registry.compiled()]


def test_an_alias_is_set_moved_and_taken_away(three: InstalledRegistry) -> None:
    three.call("SET_ALIAS", "qa", "challenger", 2, '{"reason": "first try"}')
    three.call("SET_ALIAS", "qa", "challenger", 3, "{}")
    three.call("SET_ALIAS", "qa", "challenger", 3, "{}")
    assert three.compiled().models["qa"].aliases == {"champion": 1, "challenger": 3}
    three.call("SET_ALIAS", "qa", "challenger", None, "{}")
    assert three.compiled().models["qa"].aliases == {"champion": 1}
    assert three.history("challenger") == [
        (None, 2, "SET_ALIAS"),
        (2, 3, "SET_ALIAS"),
        (3, None, "SET_ALIAS"),
    ]
    assert three.rows(
        "SELECT REASON, CHANGED_BY FROM {s}.ALIAS_HISTORY WHERE ALIAS_NAME = 'challenger'"
        " ORDER BY CHANGE_NUMBER LIMIT 1"
    ) == [("first try", "SYS")]


def test_an_alias_that_cannot_be_set_is_refused(three: InstalledRegistry) -> None:
    assert "call PROMOTE" in three.fails(35, "SET_ALIAS", "qa", "champion", 2, "{}")
    assert "qa has no version 9" in three.fails(4, "SET_ALIAS", "qa", "challenger", 9, "{}")
    assert "there is no model qb" in three.fails(3, "SET_ALIAS", "qb", "challenger", 1, "{}")
    assert "has no alias" in three.fails(5, "SET_ALIAS", "qa", "challenger", None, "{}")
    for alias in ("v3", "Challenger", "", "a" * 64, "a b", None):
        three.fails(1, "SET_ALIAS", "qa", alias, 2, "{}")
    three.fails(1, "SET_ALIAS", "qa", "challenger", "two", "{}")
    assert three.compiled().models["qa"].aliases == {"champion": 1}


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ("[1]", 16, "unknown setting 1"),
        ("{", 16, "not a JSON object"),
        ('"x"', 16, "not a JSON object"),
        (None, 16, "not a JSON object"),
        ('{"why": "x"}', 16, "unknown setting why; use reason"),
        ('{"reason": 3}', 16, "the setting reason is no text"),
        ('{"reason": null}', 16, "the setting reason is no text"),
        ('{"reason": " "}', 47, "there is no reason"),
        ('{"reason": "' + "x" * 2001 + '"}', 47, "longer than 2000"),
    ],
)
def test_settings_are_checked(
    three: InstalledRegistry, settings: str | None, code: int, words: str
) -> None:
    for call in (("SET_ALIAS", "qa", "challenger", 2), ("RETIRE", "qa", 2), ("ROLLBACK", "qa")):
        if call[0] != "ROLLBACK" or "why" not in str(settings):
            assert words in three.fails(code, *call, settings)


def test_a_retired_version_answers_but_no_alias_can_be_pointed_to_it(
    three: InstalledRegistry,
) -> None:
    three.call("RETIRE", "qa", 2, '{"reason": "its licence ends"}')
    assert states(three) == [(1, "ACTIVE"), (2, "RETIRED"), (3, "ACTIVE")]
    assert set(three.compiled().models["qa"].versions) == {1, 2, 3}
    three.fails(32, "SET_ALIAS", "qa", "challenger", 2, "{}")
    three.fails(32, "FORCE_PROMOTE", "qa", 2, "now")
    three.fails(32, "PROMOTE", "qa", 2, "{}")
    three.fails(32, "RETIRE", "qa", 2, "{}")
    assert "qa@champion means version 1" in three.fails(34, "RETIRE", "qa", 1, "{}")
    assert three.rows("SELECT REASON, CHANGED_BY FROM {s}.VERSION_STATES") == [
        ("its licence ends", "SYS")
    ]


def test_a_deleted_version_is_gone_from_the_compiled_registry(three: InstalledRegistry) -> None:
    three.call("SET_ALIAS", "qa", "challenger", 3, "{}")
    assert "qa@challenger" in three.fails(34, "DELETE_VERSION", "qa", 3, "{}")
    three.call("RETIRE", "qa", 2, "{}")
    three.call("DELETE_VERSION", "qa", 2, "{}")
    assert states(three) == [(1, "ACTIVE"), (2, "DELETED"), (3, "ACTIVE")]
    assert set(three.compiled().models["qa"].versions) == {1, 3}
    assert three.rows("SELECT COUNT(*) FROM {s}.MODEL_VERSIONS") == [(3,)]
    for script in ("DELETE_VERSION", "RETIRE", "PROMOTE"):
        three.fails(33, script, "qa", 2, "{}")
    three.fails(33, "FORCE_PROMOTE", "qa", 2, "why not")
    three.fails(33, "EVALUATE", "qa", 2, "DUAL", "{}")
    manifest = write_package(three.buckets, "qa", 2)
    path = "/buckets/bfsdefault/default/exallm/models/qa/v2"
    three.fails(33, "REGISTER_MODEL", "qa", 2, path, manifest, "{}")


def test_models_and_versions_are_listed(three: InstalledRegistry) -> None:
    three.add(1, "other")
    three.call("SET_ALIAS", "qa", "challenger", 3, "{}")
    three.call("DELETE_VERSION", "qa", 2, "{}")
    three.evaluate_as(3, [1.0, 0.5])
    assert [row[:8] for row in three.call("LIST_MODELS")] == [
        ("other", "answer", 1, "champion=1", 1, 0, 0, 1),
        ("qa", "answer", 1, "challenger=3, champion=1", 2, 0, 1, 3),
    ]
    described = three.call("DESCRIBE_MODEL", "qa")
    assert [row[:7] for row in described] == [
        (1, "ACTIVE", "champion", None, None, None, None),
        (2, "DELETED", None, None, None, None, None),
        (3, "ACTIVE", "challenger", '"D"."T"', 2, 0.75, 0.75),
    ]
    assert described[0][10] == "/buckets/bfsdefault/default/exallm/models/qa/v1"
    three.fails(3, "DESCRIBE_MODEL", "qb")


def test_an_empty_registry_lists_nothing(registry: InstalledRegistry) -> None:
    assert registry.call("LIST_MODELS") == []


@pytest.mark.parametrize("text", NASTY)
def test_nothing_can_be_slipped_in_through_a_parameter(
    three: InstalledRegistry, text: str | None
) -> None:
    three.call("SET_ALIAS", "qa", "challenger", 2, "{}")
    before = everything(three)
    calls: list[tuple[str, list[str | int | None]]] = [
        ("SET_ALIAS", ["qa", "challenger", 3, "{}"]),
        ("PROMOTE", ["qa", 3, '{"dataset": "T"}']),
        ("FORCE_PROMOTE", ["qa", 3, "reason"]),
        ("ROLLBACK", ["qa", "{}"]),
        ("RETIRE", ["qa", 3, "{}"]),
        ("DELETE_VERSION", ["qa", 3, "{}"]),
        ("DESCRIBE_MODEL", ["qa"]),
        ("EVALUATE", ["qa", 1, "T", "{}"]),
        ("CREATE_FUNCTION", [three.target.schema, "F", "qa", "answer"]),
        ("DROP_FUNCTION", [three.target.schema, "F"]),
    ]
    for script, arguments in calls:
        for place in range(len(arguments)):
            if script == "FORCE_PROMOTE" and place == 2 and text:
                continue  # a reason may be any text
            given = [*arguments[:place], text, *arguments[place + 1 :]]
            if script == "SET_ALIAS" and place == 2 and not text:
                continue  # NULL takes the alias away
            with pytest.raises(pyexasol.ExaQueryError) as caught:
                three.call(script, *given)
            assert "E-EXALLM-MODEL-" in caught.value.message, caught.value.message
    assert everything(three) == before


def test_a_reason_is_kept_to_the_letter(three: InstalledRegistry) -> None:
    reason = 'it\'s "better"; -- :m ::s \\ 😀\n/'
    three.call("FORCE_PROMOTE", "qa", 2, reason)
    assert three.rows(
        f"SELECT TO_VERSION FROM {{s}}.ALIAS_HISTORY WHERE REASON = {quote_text(reason)}"
    ) == [(2,)]
