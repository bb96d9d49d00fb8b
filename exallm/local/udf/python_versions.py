"""The Pythons of this machine, by version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_ASK_LIMIT_S = 20.0


@cache
def find_python(version: str) -> Path | None:
    """A Python of this version that starts, None where there is none.

    :param version: as ``3.12``.
    """
    for candidate in _candidates(version):
        found = python_release(candidate)
        if found is not None and found.startswith(version + "."):
            return candidate
    return None


def python_release(python: Path) -> str | None:
    """What a Python says of itself, as ``3.12.1``; None where it does not start."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-c", _ASK],
            capture_output=True,
            text=True,
            check=False,
            timeout=_ASK_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _candidates(version: str) -> Iterator[Path]:
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
