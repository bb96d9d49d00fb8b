"""A flavor as the folder that exasol-script-languages-container-tool builds from."""

from __future__ import annotations

import shutil
from pathlib import Path

from exallm.slc.description import ContainerDescription, Flavor, flavor_file
from exallm.slc.facts import ContainerFacts
from exallm_udfs.container_report import FACTS_NAME

DEPENDENCIES, RELEASE = "dependencies", "release"
BUILD_STEPS = "build_steps.py"


def write_flavor(
    flavor: Flavor, description: ContainerDescription, wheel: Path, parent: Path
) -> Path:
    """Write ``<parent>/exallm-<flavor>``, which is new.

    :param wheel: of exallm.
    """
    folder = parent / f"exallm-{flavor.name}"
    base = folder / "flavor_base"
    dist = base / RELEASE / "dist"
    (base / DEPENDENCIES).mkdir(parents=True)
    dist.mkdir(parents=True)
    _copy(BUILD_STEPS, base / BUILD_STEPS, {})
    marks = {"@BASE_IMAGE@": flavor.base_image, "@PYTHON@": description.python}
    for step in (DEPENDENCIES, RELEASE):
        _copy(f"{step}.Dockerfile", base / step / "Dockerfile", marks)
    (base / DEPENDENCIES / "requirements.txt").write_text(flavor.pins_text, encoding="utf-8")
    facts = ContainerFacts.of(flavor, description, wheel)
    (base / RELEASE / FACTS_NAME).write_text(facts.to_json(), encoding="utf-8")
    shutil.copyfile(wheel, dist / wheel.name)
    return folder


def _copy(name: str, target: Path, marks: dict[str, str]) -> None:
    text = flavor_file(name).read_text(encoding="utf-8")
    for mark, value in marks.items():
        text = text.replace(mark, value)
    target.write_text(text, encoding="utf-8")
