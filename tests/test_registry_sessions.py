"""Several sessions that change and read the registry at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pyexasol
import pytest

from exallm_udfs.registry import Registry
from tests.registry_harness import InstalledRegistry, call_text, stand_in

CHANGES = 6
ECHO_RULE = """
def run(ctx):
    while True:
        ctx.emit(ctx[0], ctx[2], "stop", ctx[1], 1, 1, 1.0, None, None)
        if not ctx.next():
            return
"""


@pytest.fixture
def three(install_registry: Callable[[str], InstalledRegistry]) -> InstalledRegistry:
    """The model qa with versions 1 to 3, of which 1 is the champion, committed."""
    installed = install_registry("SESSIONS")
    for version in (1, 2, 3):
        installed.add(version)
    return installed


def in_threads(work: list[Callable[[], None]]) -> None:
    """Run all at once; the first exception of any of them is raised."""
    failures: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def session(registry: InstalledRegistry, autocommit: bool = True) -> Any:
    connection = registry.target.database.connect()
    connection.set_autocommit(autocommit)
    return connection


def test_two_changes_at_once_are_one_order_or_one_clear_error(three: InstalledRegistry) -> None:
    with session(three, False) as first, session(three, False) as second:
        second.execute("SELECT 1 FROM DUAL").fetchall()
        first.execute(call_text(three.schema, "FORCE_PROMOTE", "qa", 2, "first"))
        with pytest.raises(pyexasol.ExaQueryError) as caught:
            second.execute(call_text(three.schema, "FORCE_PROMOTE", "qa", 3, "second"))
        assert "E-EXALLM-MODEL-31: " in caught.value.message
        assert "call the script again" in caught.value.message
        first.commit()
        second.rollback()
        second.execute(call_text(three.schema, "FORCE_PROMOTE", "qa", 3, "second"))
        second.commit()
    assert three.champion() == 3
    assert three.history() == [
        (None, 1, "REGISTER"),
        (1, 2, "FORCE_PROMOTE"),
        (2, 3, "FORCE_PROMOTE"),
    ]


def test_a_change_that_is_rolled_back_leaves_nothing(three: InstalledRegistry) -> None:
    with session(three, False) as connection:
        connection.execute(call_text(three.schema, "FORCE_PROMOTE", "qa", 2, "try"))
        connection.rollback()
    assert three.champion() == 1
    assert three.history() == [(None, 1, "REGISTER")]


def test_no_change_is_lost_and_no_reader_sees_half_of_one(three: InstalledRegistry) -> None:
    done = threading.Event()
    made: list[int] = []
    seen: list[int] = []

    def promote(versions: tuple[int, int]) -> None:
        with session(three) as connection:
            for number in range(CHANGES):
                version = versions[number % 2]
                while True:
                    try:
                        connection.execute(
                            call_text(three.schema, "FORCE_PROMOTE", "qa", version, "turn")
                        )
                    except pyexasol.ExaQueryError as error:
                        if "E-EXALLM-MODEL-31" in error.message:
                            continue
                        assert "E-EXALLM-MODEL-41" in error.message, error.message
                        break
                    made.append(version)
                    break

    def promote_all() -> None:
        try:
            in_threads([lambda: promote((2, 3)), lambda: promote((3, 1))])
        finally:
            done.set()

    def read() -> None:
        with session(three, False) as connection:
            while not done.is_set():
                table = connection.execute(
                    f"SELECT MODEL_VERSION FROM {three.schema}.MODEL_ALIASES"
                ).fetchall()
                history = connection.execute(
                    f"SELECT TO_VERSION FROM {three.schema}.ALIAS_HISTORY"
                    " ORDER BY CHANGE_NUMBER DESC LIMIT 1"
                ).fetchall()
                text = connection.execute(f"SELECT {three.schema}.REGISTRY()").fetchall()[0][0]
                connection.commit()
                compiled = Registry.decode(text).models["qa"].aliases["champion"]
                assert table == history == [(compiled,)]
                seen.append(compiled)

    in_threads([promote_all, read, read])
    history = three.history()
    assert len(history) == 1 + len(made)
    assert sorted(version for _, version, _ in history[1:]) == sorted(made)
    # A chain: each change begins where the one before it ended.
    assert [old for old, _, _ in history[1:]] == [new for _, new, _ in history[:-1]]
    assert three.champion() == history[-1][1]
    assert len(seen) > 2


def test_an_evaluation_and_a_promotion_do_not_wait_for_each_other(
    three: InstalledRegistry,
) -> None:
    stand_in(three, "AI_COMPLETE_BATCH", ECHO_RULE)
    three.run("CREATE TABLE {s}.T (PROMPT VARCHAR(10), COMPLETION VARCHAR(10))")
    three.run("INSERT INTO {s}.T VALUES ('yes', 'yes')")
    call = call_text(three.schema, "EVALUATE", "qa", 2, f"{three.schema}.T", "{}")
    with session(three, False) as evaluating, session(three, False) as promoting:
        promoting.execute(call_text(three.schema, "FORCE_PROMOTE", "qa", 2, "now"))
        assert evaluating.execute(call).fetchall()[0][3] == 1.0
        promoting.commit()
        evaluating.commit()
    assert three.champion() == 2
    assert three.rows("SELECT COUNT(*) FROM {s}.EVALUATIONS") == [(1,)]
