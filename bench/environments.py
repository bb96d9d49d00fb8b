"""Python environments of their own for what exallm is compared with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.error import BenchError
from bench.project import PROJECT
from exallm_udfs.package import file_sha256


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    :param name: of its folder.
    :param requirements: what is installed in it.
    :param without: what is taken out again.
    """

    name: str
    requirements: tuple[str, ...]
    without: tuple[str, ...] = ()

    def python(self, folder: Path, say: Callable[[str], None]) -> Path:
        """Its interpreter; the environment is made below ``folder`` on first use.

        :param say: is told when it is made, which takes minutes.
        :raises BenchError: where pip cannot install what it needs.
        """
        place = folder / self.name
        interpreter = place / "bin" / "python"
        installed = place / "installed.txt"
        wanted = self._stamp()
        if installed.is_file() and installed.read_text() == wanted:
            return interpreter
        say(f"making the environment {self.name}, once: {', '.join(self.requirements)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        self._pip(interpreter, "install", *self.requirements)
        if self.without:
            self._pip(interpreter, "uninstall", "--yes", *self.without)
        installed.write_text(wanted)
        return interpreter

    def _pip(self, interpreter: Path, verb: str, *arguments: str) -> None:
        command = [str(interpreter), "-m", "pip", verb, "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, *arguments], stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
            raise BenchError(f"the environment {self.name} cannot be made: {lines[-1]}")

    def _stamp(self) -> str:
        """Another one where what has to be installed is another."""
        lines = [*self.requirements, *(f"without {name}" for name in self.without)]
        if "--editable" in lines:
            lines.append(file_sha256(PROJECT / "pyproject.toml"))
        return "\n".join(lines)


TORCH = Environment(
    "torch",
    (
        "torch==2.13.0",
        "transformers==5.23.0",
        "gguf==0.19.0",
        "accelerate==1.15.0",
        "matplotlib==3.11.2",
    ),
)
TRANSFORMERS_EXTENSION = Environment(
    "transformers-extension",
    (
        "exasol-transformers-extension==5.2.1",
        "exasol-udf-mock-python==0.5.0",
        "torch==2.13.0",
        "transformers==5.23.0",
    ),
)
TRAINER = Environment(
    "trainer",
    ("--editable", f"{PROJECT}[trainer]", "peft==0.21.2", "trl==1.16.0"),
)
# Trains, and converts what it has trained. optimum-intel brings torchvision, for images; where that
# was built for another torch than the one for CPUs, transformers can no longer be imported.
PACKAGER = Environment(
    "packager", ("--editable", f"{PROJECT}[trainer,hub]"), without=("torchvision",)
)
