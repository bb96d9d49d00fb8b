"""Resolves ``flavor/container.toml`` into the pinned and hashed requirements beside it.

``python slc/pin.py`` asks the package index that pip is set up with; nothing is downloaded but what
describes packages. No index address is written into the files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from exallm.slc.description import BASE, container_description

FLAVORS = Path(__file__).parent / "flavor"
_HEAD = "# Written by slc/pin.py; change container.toml instead.\n"


def main() -> None:
    """Write ``requirements-base.txt`` and one file for each flavor."""
    description = container_description()
    provided = [f"{name}=={version}" for name, version in description.provided.items()]
    base = resolve(provided, [], [], [])
    write(BASE, base)
    present = [line.split("==")[0] for line in base.splitlines() if "==" in line]
    for flavor in description.flavors.values():
        pins = resolve(list(flavor.requires), provided, present, list(flavor.left_out))
        write(flavor.name, pins)


def resolve(
    requires: list[str], constraints: list[str], present: list[str], left_out: list[str]
) -> str:
    """The pins, with hashes, of requirements for the containers' Python and platform.

    :param present: packages that are there already and get no pin.
    :param left_out: packages that are not installed, nor what only they need.
    """
    python = container_description().python
    command = ["uv", "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-header"]
    command += ["--no-annotate", "--python-version", python, "--no-config"]
    command += ["--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:"]
    for name in present:
        command += ["--no-emit-package", name]
    given = "\n".join([*requires, *constraints])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as excluded:
        excluded.write("\n".join(left_out))
        excluded.flush()
        done = subprocess.run(
            [sys.executable, "-m", *command, "--excludes", excluded.name],
            input=given,
            env=index(),
            text=True,
            capture_output=True,
        )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def index() -> dict[str, str]:
    """The environment, with pip's own index for uv, which does not read pip's settings."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return {**os.environ, "UV_DEFAULT_INDEX": found} if found else dict(os.environ)


def write(name: str, pins: str) -> None:
    """Put a file in place."""
    file = FLAVORS / f"requirements-{name}.txt"
    file.write_text(_HEAD + pins, encoding="utf-8")
    print(f"{file.name}: {pins.count('==')} packages")


if __name__ == "__main__":
    main()
