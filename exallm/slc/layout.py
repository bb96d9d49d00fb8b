"""A flavor's folder by the rules of exasol-script-languages-container-tool, without Docker."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from exallm.slc.flavor_folder import DEPENDENCIES, RELEASE
from exallm_udfs.errors import ExallmError

_STEPS = {RELEASE, DEPENDENCIES}


def require_tool() -> None:
    """:raises ExallmError: E-EXALLM-SLC-3 where the container tool is not installed."""
    try:
        import_module("exasol.slc.api")
    except ImportError as error:
        raise ExallmError(
            "E-EXALLM-SLC-3",
            f"exasol-script-languages-container-tool is not installed: {error.name} is missing",
            "pip install 'exallm[slc]'",
        ) from error


def check_layout(folder: Path) -> None:
    """Load a flavor's build steps as the tool does, and look for what each of them needs.

    :param folder: of the flavor.
    :raises ExallmError: E-EXALLM-SLC-4 for what the tool would stumble over.
    """
    steps = _steps(folder)
    if set(steps) != _STEPS:
        raise _unsound(f"its build steps are {', '.join(sorted(steps)) or 'none'}")
    for name, step in steps.items():
        place = Path(step.get_build_step_path())
        dockerfile = Path(step.get_dockerfile())
        if not dockerfile.is_file():
            raise _unsound(f"the step {name} has no {dockerfile.name}")
        named = set(step.requires_tasks())
        rendered = {word for word in _STEPS if f"{{{{ {word} }}}}" in dockerfile.read_text()}
        if named != rendered:
            raise _unsound(f"the step {name} begins from {rendered} and asks for {named}")
        for source in _copied(dockerfile):
            if not (place.parent / source).exists():
                raise _unsound(f"the step {name} copies {source}, which is not there")


def _steps(folder: Path) -> dict[str, Any]:
    """The tool's own tasks for the flavor, by the name of their step."""
    environment = "exasol_integration_test_docker_environment.lib"
    loader = import_module(f"{environment}.base.import_build_step")
    tasks = import_module("exasol.slc.internal.tasks.build.docker_flavor_image_task")
    path = str(folder)
    try:
        loader.import_build_steps((path,))
        module = import_module(environment).extract_modulename_for_build_steps(path)
        classes = [
            each
            for each in tasks.DockerFlavorAnalyzeImageTask.__subclasses__()
            if each.__module__ == module
        ]
        made = [each(flavor_path=path, job_id="check") for each in classes]
    except Exception as error:
        # A flavor is code of its own: whatever it raises is what is wrong with it.
        raise _unsound(f"the tool cannot load its steps: {error}") from error
    return {task.get_build_step(): task for task in made}


def _copied(dockerfile: Path) -> list[str]:
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    return [line.split()[1] for line in lines if line.startswith("COPY ")]


def _unsound(problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-4",
        f"the flavor is not as the container tool needs it: {problem}",
        "compare slc/flavor with the tool's documentation",
    )
