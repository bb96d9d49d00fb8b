"""``python -m tests.slc``: the CPU container without Docker; its last line is a JSON object.

Every script of ``sql/udfs`` runs on exactly the container's pins, the flavors are checked by the
rules of the container tool, and a container of those pins is deployed on the embedded engine, its
upload interrupted five times.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from exallm.installer.target import local_target
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from exallm.slc.archive import read_archive
from exallm.slc.check import COMPRESSED_LIMIT_MB, CheckedFlavor, check_flavor, check_flavor_folder
from exallm.slc.description import container_description
from exallm.slc.embedded import build_embedded
from exallm.slc.environment import make_environment, slc_cache
from exallm.slc.own_wheel import own_wheel
from exallm.slc.wheels import read_wheel
from tests.slc.deployment import DeploymentSteps, place_at

_MEBIBYTE = 1 << 20


def say(line: str) -> None:
    """One line of what is being done."""
    print(line, flush=True)


def main() -> int:
    """Check and deploy; 0 where all of it went as it has to."""
    parser = argparse.ArgumentParser(prog="make slc-check SLC=...")
    parser.add_argument("--model", default="smollm2", help="what the scripts are run with")
    model = parser.parse_args().model
    description = container_description()
    with tempfile.TemporaryDirectory() as scratch:
        wheel = own_wheel(None, Path(scratch))
        for flavor in description.flavors.values():
            check_flavor_folder(flavor, description, wheel, say)
        cpu = description.flavors["cpu"]
        checked = check_flavor(cpu, description, wheel, model, say)
        show(checked)
        environment = make_environment(cpu, description, read_wheel(wheel), say)
        file = build_embedded(environment, slc_cache() / "built", say)
        steps, passed = deployment(file, Path(scratch))
    figures = figures_of(checked) | {"deploy_steps": steps, "deploy_passed": passed}
    print(json.dumps(figures))
    return 0 if checked.is_sound and steps == passed else 1


def deployment(file: Path, root: Path) -> tuple[int, int]:
    """Steps of a deployment on an engine of its own, and those that passed."""
    home = EngineHome(root / "local")
    running = start(home, EngineSettings(port=0, workers=1))
    try:
        archive = read_archive(file)
        say(f"deploying {file.name}, {archive.bytes // _MEBIBYTE} MiB with its base")
        place = place_at(home, local_target(home, running, "EXALLM"), archive)
        return DeploymentSteps(place, say).run()
    finally:
        stop(home)


def figures_of(checked: CheckedFlavor) -> dict[str, Any]:
    """What the last line says of the flavor."""
    return {
        "scripts": checked.scripts,
        "scripts_ok": checked.scripts - len(checked.problems),
        "python": checked.python,
        "compressed_mb": checked.compressed_mb,
        "compressed_limit_mb": COMPRESSED_LIMIT_MB,
        "packages": len(checked.parts),
        "unused_packages": list(checked.unused),
    }


def show(checked: CheckedFlavor) -> None:
    """Sizes, licences and problems."""
    for part in checked.parts:
        size = part.compressed_bytes / _MEBIBYTE
        say(f"{size:8.1f} MiB  {part.name} {part.version}, {part.licence or 'no licence named'}")
    for name, problem in checked.problems.items():
        say(f"{name}: FAILED: {problem}")
    say(f"CycloneDX list: {checked.bill}")


if __name__ == "__main__":
    sys.exit(main())
