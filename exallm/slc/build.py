"""Builds the container for an Exasol, with Docker, by Exasol's own tool."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from exallm.slc.description import ContainerDescription, Flavor
from exallm.slc.facts import ContainerFacts
from exallm.slc.flavor_folder import RELEASE, write_flavor
from exallm.slc.layout import check_layout, require_tool
from exallm_udfs.errors import ExallmError


def build_container(
    flavor: Flavor,
    description: ContainerDescription,
    wheel: Path,
    folder: Path,
    told: Callable[[str], None],
) -> Path:
    """Build a flavor; its archive ``exallm-<version>-<flavor>.tar.gz`` in ``folder``.

    :param wheel: of exallm.
    :raises ExallmError: E-EXALLM-SLC-2 where Docker does not answer, -3 where the tool is not
        installed, -18 where the build fails.
    """
    require_tool()
    require_docker()
    folder.mkdir(parents=True, exist_ok=True)
    api = import_module("exasol.slc.api")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        flavor_folder = write_flavor(flavor, description, wheel, Path(scratch))
        check_layout(flavor_folder)
        told(f"building the flavor {flavor.name} with Docker, many minutes the first time")
        exported = Path(scratch, "exported")
        try:
            api.export(
                flavor_path=(str(flavor_folder),),
                export_path=str(exported),
                output_directory=str(Path(scratch, "build")),
                temporary_base_directory=scratch,
                release_goal=(RELEASE,),
            )
        except Exception as error:
            # The tool raises what its steps raise, of many kinds; its log has all of it.
            raise _failed(str(error)) from error
        archives = sorted(exported.rglob("*.tar.gz"))
        if len(archives) != 1:
            raise _failed(f"{len(archives)} archives were exported")
        file = folder / f"{ContainerFacts.of(flavor, description, wheel).name}.tar.gz"
        shutil.move(archives[0], file)
    return file


def require_docker() -> None:
    """:raises ExallmError: E-EXALLM-SLC-2 where no Docker answers."""
    docker = import_module("docker")
    try:
        docker.from_env().ping()
    except docker.errors.DockerException as error:
        raise ExallmError(
            "E-EXALLM-SLC-2",
            f"Docker does not answer: {str(error).splitlines()[0][:120]}",
            "start Docker, or build on a machine that has it and copy the file; without Docker,"
            " exallm slc check looks at the flavor and exallm slc build --embedded builds for the"
            " embedded engine",
        ) from error


def _failed(problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-18",
        f"the container was not built: {' '.join(problem.split())[:300]}",
        "read the tool's log above; check that Docker reaches its registry and pip its index",
    )
