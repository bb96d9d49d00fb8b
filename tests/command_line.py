"""The command ``exallm`` against an engine, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from exallm.local.engine_home import EngineHome


def exallm(home: EngineHome, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``exallm``; ``--local`` means the engine of this home.

    :param answer: what its standard input says.
    """
    return subprocess.run(
        [sys.executable, "-m", "exallm.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        input=answer,
        env={**os.environ, "EXALLM_HOME": str(home.folder.parent)},
    )


def outcome(home: EngineHome, *arguments: str) -> Any:
    """What ``exallm ... --local --json`` prints."""
    done = exallm(home, *arguments, "--local", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
