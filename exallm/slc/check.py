"""A flavor checked without Docker: its layout, its pins, and every script run on them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from exallm.installer.models import open_source
from exallm.models.package_folder import write_package
from exallm.slc.description import ContainerDescription, Flavor
from exallm.slc.environment import ContainerEnvironment, make_environment, slc_cache
from exallm.slc.flavor_folder import write_flavor
from exallm.slc.layout import check_layout, require_tool
from exallm.slc.own_wheel import last_line
from exallm.slc.parts import Part, parts_of, write_bill
from exallm.slc.script_cases import MODEL
from exallm.slc.wheels import check_closure, read_wheel
from exallm_udfs.errors import ExallmError
from exallm_udfs.names import package_path

COMPRESSED_LIMIT_MB = 400
_MEBIBYTE = 1 << 20
_BUCKET = Path("bfsdefault", "default")


@dataclass(frozen=True)
class CheckedFlavor:
    """What was found.

    :param python: the release that ran the scripts, as ``3.12.1``.
    :param problems: script to what kept it from answering.
    :param scripts: how many there are.
    :param unused: parts of which no script imported a module.
    :param bill: the CycloneDX list.
    """

    flavor: str
    python: str
    scripts: int
    problems: dict[str, str]
    parts: tuple[Part, ...]
    unused: tuple[str, ...]
    bill: Path

    @property
    def compressed_mb(self) -> float:
        """Size of the layer, compressed, in MiB."""
        return round(sum(part.compressed_bytes for part in self.parts) / _MEBIBYTE, 1)

    @property
    def is_sound(self) -> bool:
        """Whether every script answered, and the layer is no larger than it may be."""
        small = self.flavor != "cpu" or self.compressed_mb <= COMPRESSED_LIMIT_MB
        return not self.problems and not self.unused and small


def check_flavor(
    flavor: Flavor,
    description: ContainerDescription,
    wheel: Path,
    model: str,
    told: Callable[[str], None],
) -> CheckedFlavor:
    """Check all of a flavor.

    :param wheel: of exallm.
    :param model: source of the model that scripts are run with, as ``exallm model add`` takes it.
    :raises ExallmError: E-EXALLM-SLC-3 to -6 as they say.
    """
    check_flavor_folder(flavor, description, wheel, told)
    environment = make_environment(flavor, description, read_wheel(wheel), told)
    check_closure(environment.wheels[1:], flavor, description)
    told("listing the parts and their licences")
    bill = slc_cache() / f"{environment.facts.name}.cdx.json"
    write_bill(environment, bill)
    parts = parts_of(environment, bill)
    outcome = run_in(environment, model, told)
    problems = {
        name: problem for name, problem in outcome["scripts"].items() if problem is not None
    }
    used = {canonicalize_name(name) for name in outcome["used"]}
    return CheckedFlavor(
        flavor.name,
        outcome["python"],
        len(outcome["scripts"]),
        problems,
        parts,
        tuple(part.name for part in parts if part.name not in used),
        bill,
    )


def check_flavor_folder(
    flavor: Flavor, description: ContainerDescription, wheel: Path, told: Callable[[str], None]
) -> None:
    """Check the folder that the container tool would build from, and that all is pinned.

    :raises ExallmError: E-EXALLM-SLC-3 and -4 as they say.
    """
    require_tool()
    told(f"checking the layout of the flavor {flavor.name}")
    flavor.pins()
    with tempfile.TemporaryDirectory() as scratch:
        check_layout(write_flavor(flavor, description, wheel, Path(scratch)))


def run_in(
    environment: ContainerEnvironment, model: str, told: Callable[[str], None]
) -> dict[str, Any]:
    """Run every script in an environment; what ``exallm.slc.script_runner`` prints.

    :raises ExallmError: E-EXALLM-SLC-19 where the run itself ends early.
    """
    source = open_source(model, told)
    with tempfile.TemporaryDirectory() as buckets:
        package = Path(buckets) / _BUCKET / package_path(MODEL, 1)
        package.mkdir(parents=True)
        write_package(source, MODEL, 1, package)
        told(f"running every script with Python {environment.release}")
        done = subprocess.run(
            [str(environment.python), "-P", "-m", "exallm.slc.script_runner"],
            capture_output=True,
            text=True,
            check=False,
            cwd=buckets,
            env={"EXALLM_BUCKETS_ROOT": buckets, "PATH": os.environ.get("PATH", "")},
        )
    if done.returncode:
        raise ExallmError(
            "E-EXALLM-SLC-19",
            f"the scripts could not be run in the container's environment: "
            f"{last_line(done.stderr)}",
            "see which package the flavor lacks, in slc/flavor/container.toml",
        )
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome
