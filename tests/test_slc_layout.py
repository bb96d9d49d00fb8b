"""A flavor's folder by the rules of Exasol's container tool, and the build without Docker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exallm.slc.build import require_docker
from exallm.slc.description import container_description
from exallm.slc.flavor_folder import write_flavor
from exallm.slc.layout import check_layout
from exallm_udfs.errors import ExallmError

FLAVORS = container_description().flavors


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / "exallm-0.1.0-py3-none-any.whl"
    file.write_bytes(b"a wheel")
    return file


@pytest.fixture
def folder(tmp_path: Path, wheel: Path) -> Path:
    return write_flavor(FLAVORS["cpu"], container_description(), wheel, tmp_path)


@pytest.mark.parametrize("name", FLAVORS)
def test_the_tool_loads_both_flavors(name: str, wheel: Path, tmp_path: Path) -> None:
    check_layout(write_flavor(FLAVORS[name], container_description(), wheel, tmp_path))


def refused(folder: Path) -> str:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-4") as caught:
        check_layout(folder)
    return caught.value.problem


@pytest.mark.parametrize("step", ["dependencies", "release"])
def test_a_step_needs_its_dockerfile(folder: Path, step: str) -> None:
    (folder / "flavor_base" / step / "Dockerfile").unlink()
    assert f"the step {step} has no Dockerfile" in refused(folder)


@pytest.mark.parametrize("name", ["dependencies/requirements.txt", "release/exallm_container.json"])
def test_what_a_step_copies_has_to_be_there(folder: Path, name: str) -> None:
    (folder / "flavor_base" / name).unlink()
    assert f"copies {name}" in refused(folder)


def test_a_step_begins_from_what_it_asks_for(folder: Path) -> None:
    file = folder / "flavor_base" / "release" / "Dockerfile"
    file.write_text(file.read_text().replace("{{ dependencies }}", "scratch"))
    assert "asks for {'dependencies'}" in refused(folder)


@pytest.mark.parametrize("text", ["def broken(:\n", "import a_module_that_is_not_there\n"])
def test_steps_that_do_not_load_are_told(folder: Path, text: str) -> None:
    (folder / "flavor_base" / "build_steps.py").write_text(text)
    assert "the tool cannot load its steps" in refused(folder)


def test_a_flavor_without_steps_is_told(folder: Path) -> None:
    (folder / "flavor_base" / "build_steps.py").write_text("")
    assert "its build steps are none" in refused(folder)


def test_without_docker_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wheel: Path
) -> None:
    nowhere = f"unix://{tmp_path}/no.sock"
    monkeypatch.setenv("DOCKER_HOST", nowhere)
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-2: Docker does not answer"):
        require_docker()
    shown = subprocess.run(
        [sys.executable, "-m", "exallm.cli.main", "slc", "build", "--wheel", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "DOCKER_HOST": nowhere},
    )
    assert shown.returncode == 1 and shown.stdout == ""
    (line,) = shown.stderr.strip().splitlines()
    assert line.startswith("E-EXALLM-SLC-2: ") and "--embedded" in line
