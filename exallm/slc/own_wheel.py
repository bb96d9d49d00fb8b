"""The wheel of exallm itself, which goes into the container without its dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from exallm_udfs.errors import ExallmError

_CHECKOUT = Path(__file__).parents[2]


def own_wheel(given: Path | None, folder: Path) -> Path:
    """The wheel that a user names, else one made of the checkout that is used in place.

    :param folder: where it is made.
    :raises ExallmError: E-EXALLM-SLC-6 where there is none and none can be made.
    """
    if given is not None:
        if given.suffix != ".whl" or not given.is_file():
            raise _no_wheel(f"{given} is no wheel")
        return given
    if not (_CHECKOUT / "pyproject.toml").is_file():
        raise _no_wheel("this exallm was installed, and not from its source")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    done = subprocess.run(
        [*command, str(folder), str(_CHECKOUT)], capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("exallm-*.whl"))
    if done.returncode or not wheels:
        raise _no_wheel(f"pip made none: {last_line(done.stderr)}")
    return wheels[-1]


def last_line(text: str) -> str:
    """The last line with anything in it: what a tool says about its failure."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _no_wheel(problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-6",
        f"there is no wheel of exallm for the container: {problem}",
        "name the wheel of this version with --wheel",
    )
