"""What a container's layer is made of: size and licence of each part."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from exallm.slc.environment import ContainerEnvironment
from exallm.slc.own_wheel import last_line
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class Part:
    """One package of the layer.

    :param compressed_bytes: of its wheel, which is compressed as an image's layer is.
    :param licence: what its metadata say, empty for nothing.
    """

    name: str
    version: str
    compressed_bytes: int
    licence: str


def parts_of(environment: ContainerEnvironment, bill: Path) -> tuple[Part, ...]:
    """The parts that are added to the base image, the largest first.

    :param bill: file of the environment's CycloneDX list (:func:`write_bill`).
    """
    licences = _licences(json.loads(bill.read_text(encoding="utf-8")))
    parts = [
        Part(wheel.name, wheel.version, wheel.bytes, licences.get(wheel.name, ""))
        for wheel in environment.wheels
    ]
    return tuple(sorted(parts, key=lambda part: -part.compressed_bytes))


def write_bill(environment: ContainerEnvironment, file: Path) -> None:
    """Write the CycloneDX list of all that is installed in an environment.

    :raises ExallmError: E-EXALLM-SLC-3 where cyclonedx-bom is not installed or fails.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(environment.python)]
    command += ["--output-reproducible", "--output-format", "JSON", "--output-file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExallmError(
            "E-EXALLM-SLC-3",
            f"cyclonedx-bom made no list of the parts: {last_line(done.stderr)}",
            "pip install 'exallm[slc]'",
        )


def _licences(bill: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for component in bill.get("components", []):
        named = dict.fromkeys(_licence(entry) for entry in component.get("licenses", []))
        found[canonicalize_name(component["name"])] = ", ".join(named)
    return found


def _licence(entry: dict[str, Any]) -> str:
    if "expression" in entry:
        return str(entry["expression"])
    licence = entry["license"]
    # A classifier such as "License :: OSI Approved :: MIT License" ends with the licence.
    return str(licence.get("id") or licence["name"]).rpartition(" :: ")[2]
