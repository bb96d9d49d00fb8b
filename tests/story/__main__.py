"""``python -m tests.story``: the whole story with real models; its last line is a JSON object."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from exallm.installer.target import local_target
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from tests.registry_harness import InstalledRegistry
from tests.story.cast import Models
from tests.story.narrative import Ending, Scale, Story
from tests.story.stage import Stage

QUESTIONS = 24


@contextmanager
def stage_in(folder: Path) -> Iterator[Stage]:
    """A stage with an engine of its own, whose data lie in the folder."""
    home = EngineHome(folder / "local")
    running = start(home, EngineSettings(port=0))
    try:
        target = local_target(home, running, "EXALLM")
        with target.database.connect() as connection:
            connection.set_autocommit(True)
            yield Stage(home, InstalledRegistry(target, connection, home.buckets_root))
    finally:
        stop(home)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Tell the story; 0 where every step went as it has to."""
    with tempfile.TemporaryDirectory() as folder, stage_in(Path(folder)) as stage:
        ending: Ending = Story(stage, Models(QUESTIONS), Scale(), _say).run()
    print(json.dumps(asdict(ending)))
    whole = ending.passed == ending.steps and ending.rows_lost == ending.half_seen == 0
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
