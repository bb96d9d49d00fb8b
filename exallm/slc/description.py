"""What the containers are made of: ``container.toml`` and the pins beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from exallm_udfs.errors import ExallmError

BASE = "base"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One package of exactly one version, and the sha256 of each file that may be it."""

    name: str
    version: str
    sha256s: tuple[str, ...]


@dataclass(frozen=True)
class Flavor:
    """One kind of container.

    :param base_image: Docker image of Exasol's that it begins with.
    :param requires: requirements that the pins are resolved from.
    :param accelerator: what its scripts ask for in ``%perInstanceRequiredAcceleratorDevices``.
    :param left_out: requirement of a requirement that is not installed, to the reason.
    """

    name: str
    base_image: str
    requires: tuple[str, ...]
    accelerator: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def pins_text(self) -> str:
        """The text of its ``requirements.txt``: every package pinned and hashed."""
        return flavor_file(f"requirements-{self.name}.txt").read_text(encoding="utf-8")

    def pins(self) -> tuple[Pin, ...]:
        """What is installed over the base image, exallm itself excepted."""
        return parse_pins(self.pins_text)


@dataclass(frozen=True)
class ContainerDescription:
    """Both containers.

    :param python: version of Python in them, as ``3.12``.
    :param platforms: platform tags of wheels that run in them.
    :param provided: package of the base images to its version.
    """

    python: str
    platforms: tuple[str, ...]
    provided: Mapping[str, str]
    flavors: Mapping[str, Flavor]

    @property
    def provided_pins_text(self) -> str:
        """What stands for the base image where there is none: its packages, pinned and hashed."""
        return flavor_file(f"requirements-{BASE}.txt").read_text(encoding="utf-8")


def container_description() -> ContainerDescription:
    """The description that ships with this exallm."""
    page = tomllib.loads(flavor_file("container.toml").read_text(encoding="utf-8"))
    flavors = {
        name: Flavor(
            name,
            entry["base_image"],
            tuple(entry["requires"]),
            entry.get("accelerator"),
            entry.get("left_out", {}),
        )
        for name, entry in page["flavors"].items()
    }
    return ContainerDescription(page["python"], tuple(page["platforms"]), page["provided"], flavors)


def parse_pins(text: str) -> tuple[Pin, ...]:
    """The pins of a requirements file.

    :raises ExallmError: E-EXALLM-SLC-4 for a line that is no pin with a hash.
    """
    pins = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        match, sha256s = _PIN.match(line), tuple(_HASH.findall(line))
        if match is None or not sha256s:
            raise ExallmError(
                "E-EXALLM-SLC-4",
                f"a requirement is not pinned and hashed: {line[:60]}",
                "write the pins again with make slc-pins",
            )
        pins.append(Pin(match["name"], match["version"], sha256s))
    return tuple(pins)


def flavor_file(name: str) -> Traversable:
    """A file of ``slc/flavor``: of the installed package, or of the checkout used in place.

    :raises ExallmError: E-EXALLM-DEPLOY-2 where it is missing: the installation is broken.
    """
    for root in (
        resources.files("exallm") / "slc" / "flavor",
        Path(__file__).parents[2] / "slc" / "flavor",
    ):
        if (root / name).is_file():
            return root / name
    raise ExallmError(
        "E-EXALLM-DEPLOY-2", f"the file slc/flavor/{name} is missing", "install exallm again"
    )
