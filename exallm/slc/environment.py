"""A clean Python environment that holds what a container holds, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exallm.home import exallm_home
from exallm.local.udf.python_versions import find_python, python_release
from exallm.models.source import Progress
from exallm.slc.description import ContainerDescription, Flavor
from exallm.slc.facts import ContainerFacts
from exallm.slc.own_wheel import last_line
from exallm.slc.wheels import Wheel, fetch_wheels
from exallm_udfs.container_report import FACTS_NAME
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class ContainerEnvironment:
    """An environment made of a flavor's pins.

    :param folder: of the virtual environment.
    :param release: version of its Python, as ``3.12.1``.
    :param facts: of the container that it stands for.
    :param wheels: what is installed over the base image, exallm first.
    """

    folder: Path
    release: str
    facts: ContainerFacts
    wheels: tuple[Wheel, ...]

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder that its packages lie in."""
        return self.folder / "lib" / f"python{self.version}" / "site-packages"

    @property
    def version(self) -> str:
        """Version of its Python, as ``3.12``."""
        return ".".join(self.release.split(".")[:2])


def slc_cache() -> Path:
    """Where wheels and environments are kept."""
    return exallm_home() / "slc"


def nearest_python(wanted: str) -> tuple[Path, str]:
    """A Python of the wanted version, else the one that runs this, and its release."""
    python = find_python(wanted) or Path(sys.executable)
    release = python_release(python)
    if release is None:
        raise RuntimeError(f"{python} does not start")
    return python, release


def make_environment(
    flavor: Flavor, description: ContainerDescription, wheel: Wheel, progress: Progress
) -> ContainerEnvironment:
    """The environment of a flavor, made once for the same pins, wheel and Python.

    It takes half a gigabyte, so the flavor's environments of other wheels are removed.

    :param wheel: of exallm.
    :raises ExallmError: E-EXALLM-SLC-5 where a wheel cannot be fetched or installed.
    """
    python, release = nearest_python(description.python)
    version = ".".join(release.split(".")[:2])
    progress(f"fetching the packages of the flavor {flavor.name} for Python {version}")
    folder = slc_cache() / "wheels" / f"{flavor.name}-{version}"
    pinned = fetch_wheels(flavor.pins_text, description, version, folder)
    base_folder = slc_cache() / "wheels" / f"base-{version}"
    base = fetch_wheels(description.provided_pins_text, description, version, base_folder)
    facts = ContainerFacts.of(flavor, description, wheel.file)
    environment = ContainerEnvironment(
        slc_cache() / "environments" / f"{flavor.name}-{_digest(facts, description, release)}",
        release,
        facts,
        (wheel, *pinned),
    )
    if not environment.folder.is_dir():
        progress(f"making a clean environment with Python {release}")
        for outdated in environment.folder.parent.glob(f"{flavor.name}-*"):
            shutil.rmtree(outdated)
        _make(environment, python, [*base, *pinned, wheel])
    return environment


def _make(environment: ContainerEnvironment, python: Path, wheels: Sequence[Wheel]) -> None:
    target = environment.folder
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = ContainerEnvironment(
            Path(scratch, "made"), environment.release, environment.facts, environment.wheels
        )
        _run([str(python), "-m", "venv", "--without-pip", str(made.folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(made.python), "install"]
        pip += ["--quiet", "--no-deps", "--no-index", "--no-compile"]
        _run([*pip, *(str(wheel.file) for wheel in wheels)])
        (made.packages / FACTS_NAME).write_text(environment.facts.to_json(), encoding="utf-8")
        shutil.move(made.folder, target)


def _digest(facts: ContainerFacts, description: ContainerDescription, release: str) -> str:
    text = "\n".join([facts.build, description.provided_pins_text, release])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExallmError(
            "E-EXALLM-SLC-5",
            f"the environment cannot be made: {last_line(done.stderr)}",
            "see whether this Python has the module venv, and the disk has room",
        )
