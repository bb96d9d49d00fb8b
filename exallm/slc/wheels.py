"""The wheels of a flavor's pins: fetched by pip, checked by hash, read for what they need."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from exallm.slc.description import ContainerDescription, Flavor, Pin, parse_pins
from exallm.slc.own_wheel import last_line
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class Wheel:
    """One package as it is fetched.

    :param bytes: of the file, which is compressed as a container's layer is.
    :param requires: what it says that it needs, with markers.
    """

    name: str
    version: str
    file: Path
    bytes: int
    requires: tuple[str, ...]


def fetch_wheels(
    pins_text: str, description: ContainerDescription, python: str, folder: Path
) -> tuple[Wheel, ...]:
    """The wheels of pins for a version of Python, each of a known sha256; by name.

    What lies in the folder already is not fetched again.

    :raises ExallmError: E-EXALLM-SLC-5 where one cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(pins_text, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    for platform in description.platforms:
        command += ["--platform", platform]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExallmError(
            "E-EXALLM-SLC-5",
            f"a wheel for Python {python} cannot be fetched: {last_line(done.stderr)}",
            "make the packages of slc/flavor available to pip",
        )
    known: dict[str, Pin] = {canonicalize_name(pin.name): pin for pin in parse_pins(pins_text)}
    wheels = [read_wheel(file) for file in sorted(folder.glob("*.whl"))]
    return tuple(wheel for wheel in wheels if _is_pinned(wheel, known))


def read_wheel(file: Path) -> Wheel:
    """What a wheel's metadata say of it."""
    entries = wheel_metadata(file)
    return Wheel(
        canonicalize_name(entries["Name"]),
        entries["Version"],
        file,
        file.stat().st_size,
        tuple(entries.get_all("Requires-Dist", [])),
    )


def wheel_metadata(file: Path) -> Message:
    """The METADATA of a wheel."""
    with zipfile.ZipFile(file) as archive:
        name = next(
            name
            for name in archive.namelist()
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        )
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def check_closure(
    wheels: Iterable[Wheel], flavor: Flavor, description: ContainerDescription
) -> None:
    """Check that everything a wheel needs is pinned, in the base image, or left out on purpose.

    :raises ExallmError: E-EXALLM-SLC-5 with each need that nothing meets.
    """
    wheels = tuple(wheels)
    present: dict[str, str] = {
        canonicalize_name(name): version for name, version in description.provided.items()
    }
    present |= {wheel.name: wheel.version for wheel in wheels}
    left_out: set[str] = {canonicalize_name(name) for name in flavor.left_out}
    marks = {
        "python_version": description.python,
        "python_full_version": f"{description.python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "extra": "",
    }
    problems = [
        f"{wheel.name} needs {need}"
        for wheel in wheels
        for need in _unmet(wheel, marks, present, left_out)
    ]
    if problems:
        raise ExallmError(
            "E-EXALLM-SLC-5",
            f"the pins of the flavor {flavor.name} do not resolve: {'; '.join(problems)}",
            "write the pins again with make slc-pins",
        )


def _unmet(
    wheel: Wheel, marks: Mapping[str, str], present: Mapping[str, str], left_out: set[str]
) -> list[str]:
    unmet = []
    for text in wheel.requires:
        need = Requirement(text)
        name = canonicalize_name(need.name)
        if (need.marker is not None and not need.marker.evaluate(dict(marks))) or name in left_out:
            continue
        version = present.get(name)
        if version is None or not need.specifier.contains(version, prereleases=True):
            unmet.append(f"{need.name}{need.specifier}, and {version or 'none'} is there")
    return unmet


def _is_pinned(wheel: Wheel, known: Mapping[str, Pin]) -> bool:
    pin = known.get(wheel.name)
    return pin is not None and pin.version == wheel.version
