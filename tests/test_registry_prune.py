"""``exallm model prune``: the files of what SQL has deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from exallm.installer.models import deleted_versions
from exallm.installer.pruning import plan_prune, prune
from tests.registry_harness import InstalledRegistry, write_package

MODELS = "/buckets/bfsdefault/default/exallm/models"


@pytest.fixture
def pruned(install_registry: Callable[[str], InstalledRegistry]) -> InstalledRegistry:
    """Versions 1 to 3 of pruned, of which 2 and 3 are deleted and retired, and a stray package."""
    registry = install_registry("PRUNED")
    for version in (1, 2, 3):
        registry.add(version, "pruned")
    registry.call("DELETE_VERSION", "pruned", 2, "{}")
    registry.call("RETIRE", "pruned", 3, "{}")
    write_package(registry.buckets, "stray", 1)
    return registry


def command(registry: InstalledRegistry, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "exallm.cli.main",
            "model",
            "prune",
            "--local",
            "--json",
            f"--schema={registry.target.schema}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "EXALLM_HOME": str(registry.buckets.parents[1])},
    )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def folders(registry: InstalledRegistry) -> set[str]:
    root = registry.buckets / "bfsdefault" / "default" / "exallm" / "models"
    found = {path.parent.relative_to(root) for path in root.rglob("*") if path.is_file()}
    return {str(folder) for folder in found if folder.parts[0] in ("pruned", "stray")}


def test_files_of_deleted_versions_go_and_others_stay(pruned: InstalledRegistry) -> None:
    gone = {"package": f"{MODELS}/pruned/v2", "state": "deleted", "files": 2}
    planned = command(pruned, "--dry-run")
    assert planned == {"packages": [gone], "elsewhere": [], "removed": False}
    assert folders(pruned) == {"pruned/v1", "pruned/v2", "pruned/v3", "stray/v1"}
    assert command(pruned) == {**planned, "removed": True}
    assert folders(pruned) == {"pruned/v1", "pruned/v3", "stray/v1"}
    assert command(pruned) == {"packages": [], "elsewhere": [], "removed": True}


def test_packages_without_a_row_go_only_where_that_is_asked_for(pruned: InstalledRegistry) -> None:
    found = command(pruned, "--dry-run", "--unregistered")["packages"]
    stray = [each for each in found if each["package"] == f"{MODELS}/stray/v1"]
    assert stray == [{"package": f"{MODELS}/stray/v1", "state": "unregistered", "files": 2}]
    assert not [each for each in found if each["package"].endswith(("pruned/v1", "pruned/v3"))]
    command(pruned, "--unregistered")
    assert folders(pruned) == {"pruned/v1", "pruned/v3"}


class InterruptedRunError(Exception):
    """The power went out."""


def test_the_manifest_goes_first(pruned: InstalledRegistry) -> None:
    """What an interruption leaves is no whole package, and the next run removes the rest."""
    plan = plan_prune(pruned.connection, pruned.target, unregistered=False)
    steps: list[str] = []

    def stop(step: str) -> None:
        steps.append(step)
        if len(steps) == 2:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        prune(pruned.target, plan, stop)
    assert steps == ["removing pruned/v2/manifest.json", "removing pruned/v2/model.gguf"]
    rest = plan_prune(pruned.connection, pruned.target, unregistered=False)
    assert [each.files for each in rest.packages] == [("model.gguf",)]
    prune(pruned.target, plan, lambda step: None)
    assert folders(pruned) == {"pruned/v1", "pruned/v3", "stray/v1"}


def test_a_package_in_another_place_is_told(pruned: InstalledRegistry) -> None:
    pruned.run(
        "INSERT INTO {s}.MODEL_VERSIONS SELECT MODEL, 9, '/buckets/other/b/qa', SHA256, MANIFEST,"
        " CREATED_AT, CREATED_BY FROM {s}.MODEL_VERSIONS WHERE MODEL_VERSION = 1"
    )
    pruned.call("DELETE_VERSION", "pruned", 9, "{}")
    plan = plan_prune(pruned.connection, pruned.target, unregistered=False)
    assert plan.elsewhere == ("/buckets/other/b/qa",)


def test_a_path_that_a_living_version_names_stays(pruned: InstalledRegistry) -> None:
    pruned.run(
        "INSERT INTO {s}.MODEL_VERSIONS SELECT MODEL, 9, PACKAGE_PATH || '/', SHA256, MANIFEST,"
        " CREATED_AT, CREATED_BY FROM {s}.MODEL_VERSIONS WHERE MODEL_VERSION = 2"
    )
    plan = plan_prune(pruned.connection, pruned.target, unregistered=True)
    assert "pruned/v2" not in [package.name for package in plan.packages]


def test_what_another_installation_has_registered_stays(
    pruned: InstalledRegistry, install_registry: Callable[[str], InstalledRegistry]
) -> None:
    other = install_registry("PRUNED_BESIDE")
    for version, path in ((1, f"{MODELS}/pruned/v2"), (2, f"{MODELS}/stray/v1/")):
        other.run(
            f"INSERT INTO {{s}}.MODEL_VERSIONS VALUES ('shared', {version}, '{path}', 'x', '{{}}',"
            " CURRENT_TIMESTAMP, 'SYS')"
        )
    plan = plan_prune(pruned.connection, pruned.target, unregistered=True)
    assert {package.name for package in plan.packages} & {"pruned/v2", "stray/v1"} == set()


def test_deleted_numbers_are_known(pruned: InstalledRegistry) -> None:
    assert deleted_versions(pruned.connection, pruned.target.schema, "pruned") == {2}
