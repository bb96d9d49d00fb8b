"""The story in short: rules in place of models, few kills, few seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from exallm.sql_text import quote_text
from tests.story.__main__ import stage_in
from tests.story.batch_kills import _difference
from tests.story.cast import Rules
from tests.story.crowd import Answer, _lost_history, _unexplained
from tests.story.narrative import Ending, Scale, Story
from tests.story.stage import Stage, StoryError, expect

SHORT = Scale(kills=2, batch_rows=24, sessions=4, seconds=4.0, seed=2)


@pytest.mark.timeout(900)
def test_the_story_goes_as_it_has_to(tmp_path: Path) -> None:
    lines: list[str] = []
    with stage_in(tmp_path) as stage:
        ending = Story(stage, Rules(), SHORT, lines.append).run()
    assert ending == Ending(17, 17, 2, 0, 0), "\n".join(lines)
    assert len(lines) == 17
    assert all(line.startswith("ok ") for line in lines)


def test_a_step_that_goes_wrong_ends_the_story(tmp_path: Path) -> None:
    lines: list[str] = []
    with stage_in(tmp_path) as stage:
        stage.run("CREATE SCHEMA {s}")
        ending = Story(stage, Rules(), SHORT, lines.append).run()
    assert ending == Ending(17, 0, 0, 0, 0)
    assert len(lines) == 1
    assert lines[0].startswith("FAILED  1/17 install first schema: ")


def test_what_the_story_counts(tmp_path: Path) -> None:
    with stage_in(tmp_path) as stage:
        stage.run("CREATE SCHEMA {s}")
        stage.run(
            "CREATE TABLE {s}.ALIAS_HISTORY (CHANGE_NUMBER INT, ALIAS_NAME VARCHAR(20),"
            " FROM_VERSION INT, TO_VERSION INT, CHANGE_KIND VARCHAR(20))"
        )
        for number, (old, new) in enumerate(((None, 1), (1, 2), (2, 3)), start=1):
            first = "NULL" if old is None else old
            stage.run(
                f"INSERT INTO {{s}}.ALIAS_HISTORY VALUES ({number}, {quote_text('champion')},"
                f" {first}, {new}, 'PROMOTE')"
            )
        check_counts(stage)


def check_counts(stage: Stage) -> None:
    two, three = frozenset({2}), frozenset({3})
    assert _unexplained(stage, [Answer(1, two, 2), Answer(2, two, 2), Answer(1, three, 3)]) == 0
    assert _unexplained(stage, [Answer(3, two, 3), Answer(1, three, 2)]) == 2
    assert _unexplained(stage, [Answer(1, frozenset({1, 2}), 3)]) == 1
    assert _lost_history(stage, 3) == 0
    assert _lost_history(stage, 4) == 1
    stage.run("DELETE FROM {s}.ALIAS_HISTORY WHERE CHANGE_NUMBER = 2")
    assert _lost_history(stage, 3) == 2


@pytest.mark.parametrize(
    ("found", "lost"),
    [([(1,), (2,)], 0), ([(2,), (1,)], 0), ([(1,)], 1), ([(1,), (2,), (2,)], 1), ([(1,), (3,)], 2)],
)
def test_rows_are_compared_with_their_doubles(found: list[tuple[int]], lost: int) -> None:
    assert _difference([(1,), (2,)], list(found)) == lost


def test_what_does_not_hold_is_an_error() -> None:
    expect(True, "never")
    with pytest.raises(StoryError, match="always"):
        expect(False, "always")
