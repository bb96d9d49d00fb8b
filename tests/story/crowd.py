"""Sessions that promote, roll back and query at once."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyexasol

from exallm_udfs.registry import Registry
from tests.registry_harness import InstalledRegistry, call_text
from tests.story.cast import create_champion_rule
from tests.story.stage import ANALYSTS, Stage, expect

VERSIONS = (1, 2, 3)
_ROWS = 64
# Refused for a reason that the call itself gives: nothing to roll back to, not better, champion.
_REFUSALS = ("E-EXALLM-MODEL-36:", "E-EXALLM-MODEL-40:", "E-EXALLM-MODEL-41:")
_LATEST = "SELECT MAX(CHANGE_NUMBER) FROM {s}.ALIAS_HISTORY"
_ASK = f"SELECT {ANALYSTS}.CHAMPION_NOW(NAME) FROM {ANALYSTS}.PEOPLE"
_STATE = """
    SELECT A.MODEL_VERSION, H.TO_VERSION, {s}.REGISTRY()
    FROM {s}.MODEL_ALIASES A
    CROSS JOIN (
        SELECT TO_VERSION FROM {s}.ALIAS_HISTORY ORDER BY CHANGE_NUMBER DESC LIMIT 1
    ) H
    WHERE A.ALIAS_NAME = 'champion'"""


@dataclass(frozen=True)
class Answer:
    """What one statement said: the versions in it, and the last change before and after it."""

    before: int
    versions: frozenset[int]
    after: int


@dataclass
class Noted:
    """What all sessions have seen; each list is only appended to."""

    answers: list[Answer] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    too_late: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)


@dataclass(frozen=True)
class CrowdReport:
    """What came of it.

    :param changes: promotions and rollbacks that their callers were told are done.
    :param too_late: those that met another one and were told to call again.
    :param queries: statements that read the registry.
    :param half_seen: statements that saw two versions, one that was not champion meanwhile, or
        tables that differ from the compiled registry.
    :param rows_lost: rows of the history that are missing, too many or out of the chain.
    """

    changes: int
    refused: int
    too_late: int
    queries: int
    half_seen: int
    rows_lost: int


def run_crowd(stage: Stage, sessions: int, seconds: float, seed: int) -> CrowdReport:
    """Let the sessions loose on a model of three versions, each better than the one before.

    :raises BaseException: the first error of a session that is no clear refusal.
    """
    _prepare(stage)
    first = len(stage.registry.history())
    noted = Noted()
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_guarded, args=(stage, random.Random(seed + n), end, noted))
        for n in range(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if noted.failures:
        raise noted.failures[0]
    half_seen = len(noted.torn) + _unexplained(stage, noted.answers)
    stage.registry.champion()  # table and compiled registry agree
    return CrowdReport(
        changes=len(noted.changes),
        refused=len(noted.refused),
        too_late=len(noted.too_late),
        queries=len(noted.answers) + len(noted.looks),
        half_seen=half_seen,
        rows_lost=_lost_history(stage, first + len(noted.changes)),
    )


def _prepare(stage: Stage) -> None:
    for version in VERSIONS:
        stage.registry.add(version)
        stage.registry.evaluate_as(version, [0.2 * version] * 20)
    create_champion_rule(stage)
    stage.run("CREATE OR REPLACE TABLE {w}.PEOPLE (NAME VARCHAR(10))")
    names = ", ".join(f"('p{number}')" for number in range(_ROWS))
    stage.run(f"INSERT INTO {{w}}.PEOPLE VALUES {names}")


def _guarded(stage: Stage, chance: random.Random, end: float, noted: Noted) -> None:
    try:
        with stage.registry.target.database.connect() as connection:
            connection.set_autocommit(True)
            session = InstalledRegistry(stage.registry.target, connection, stage.registry.buckets)
            while time.monotonic() < end:
                _act(session, chance, noted)
    except BaseException as error:
        noted.failures.append(error)


def _act(session: InstalledRegistry, chance: random.Random, noted: Noted) -> None:
    action = chance.choice(("promote", "roll back", "ask", "ask", "look"))
    if action == "promote":
        _change(session, noted, "PROMOTE", "qa", chance.choice(VERSIONS), "{}")
    elif action == "roll back":
        _change(session, noted, "ROLLBACK", "qa", "{}")
    elif action == "ask":
        _ask(session, noted)
    else:
        _look(session, noted)


def _change(session: InstalledRegistry, noted: Noted, script: str, *arguments: Any) -> None:
    call = call_text(session.schema, script, *arguments)
    try:
        session.run(call)
    except pyexasol.ExaQueryError as error:
        if "E-EXALLM-MODEL-31:" in error.message or error.code == "40001":
            noted.too_late.append(call)
            return
        expect(any(code in error.message for code in _REFUSALS), error.message)
        noted.refused.append(call)
        return
    noted.changes.append(call)


def _ask(session: InstalledRegistry, noted: Noted) -> None:
    before = session.rows(_LATEST)[0][0]
    rows = session.rows(_ASK)
    after = session.rows(_LATEST)[0][0]
    expect(len(rows) == _ROWS, f"{len(rows)} of {_ROWS} rows came back")
    noted.answers.append(Answer(before, frozenset(version for (version,) in rows), after))


def _look(session: InstalledRegistry, noted: Noted) -> None:
    (alias, last, text) = session.rows(_STATE)[0]
    compiled = Registry.decode(text).models["qa"].aliases["champion"]
    noted.looks.append(compiled)
    if not alias == last == compiled:
        noted.torn.append(f"alias {alias}, history {last}, compiled {compiled}")


def _unexplained(stage: Stage, answers: list[Answer]) -> int:
    """Answers that are not of exactly one version that was champion during the statement."""
    champions: dict[int, int] = dict(
        stage.rows("SELECT CHANGE_NUMBER, TO_VERSION FROM {s}.ALIAS_HISTORY")
    )
    return sum(
        len(answer.versions) != 1
        or not answer.versions
        <= {champions[number] for number in range(answer.before, answer.after + 1)}
        for answer in answers
    )


def _lost_history(stage: Stage, expected: int) -> int:
    history = stage.registry.history()
    links = pairwise(history)
    broken = sum(1 for earlier, later in links if later[0] != earlier[1])
    return abs(len(history) - expected) + broken
