"""Python environments of their own for what exallm is compared with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.error import BenchError
from bench.project import PROJECT


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its folder's name and what is installed in it."""

    name: str
    requirements: tuple[str, ...]

    def python(self, folder: Path, say: Callable[[str], None]) -> Path:
        """Its interpreter; the environment is made below ``folder`` on first use.

        :param say: is told when it is made, which takes minutes.
        :raises BenchError: where pip cannot install what it needs.
        """
        place = folder / self.name
        interpreter = place / "bin" / "python"
        installed = place / "installed.txt"
        wanted = "\n".join(self.requirements)
        if installed.is_file() and installed.read_text() == wanted:
            return interpreter
        say(f"making the environment {self.name}, once: {', '.join(self.requirements)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        command = [str(interpreter), "-m", "pip", "install", "--quiet"]
        command += ["--disable-pip-version-check", *self.requirements]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
            raise BenchError(f"the environment {self.name} cannot be made: {lines[-1]}")
        installed.write_text(wanted)
        return interpreter


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
# Trains, and converts what it has trained.
PACKAGER = Environment("packager", ("--editable", f"{PROJECT}[trainer,hub]"))
