"""Removes from BucketFS the packages that no version needs any more."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

import exasol.bucketfs as bfs
import pyexasol
import requests

from exallm.installer.registered_packages import paths_of_others
from exallm.installer.statements import run
from exallm.installer.target import BucketTarget, Target, bucketfs_error
from exallm.models.source import Progress
from exallm.sql_text import quote_identifier
from exallm_udfs.package_file import MANIFEST_NAME

PACKAGES = "exallm/models"
DELETED, UNREGISTERED = "deleted", "unregistered"


@dataclass(frozen=True)
class StalePackage:
    """A package in the bucket that can go.

    :param name: folder below :data:`PACKAGES`, as ``qa/v2``.
    :param path: the folder as UDFs see it.
    :param state: ``deleted`` where SQL has deleted its version, ``unregistered`` without a row.
    :param files: names of its files, below its folder.
    """

    name: str
    path: str
    state: str
    files: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.state not in (DELETED, UNREGISTERED):
            raise ValueError(f"a package that is {self.state} stays")


@dataclass(frozen=True)
class PrunePlan:
    """What a run of the pruning removes.

    :param packages: in the order of their names.
    :param elsewhere: paths of deleted versions whose packages lie outside this bucket's folder.
    """

    packages: tuple[StalePackage, ...]
    elsewhere: tuple[str, ...]


def plan_prune(connection: pyexasol.ExaConnection, target: Target, unregistered: bool) -> PrunePlan:
    """What can go; reads and changes nothing.

    What another installation has registered in the same bucket stays.

    :param unregistered: whether packages that no row names go too. An upload that is under way
        is such a package.
    :raises ExallmError: E-EXALLM-DEPLOY-6 where BucketFS does not answer.
    """
    rows = run(
        connection,
        "SELECT PACKAGE_PATH, VERSION_STATE FROM"
        f" {quote_identifier(target.schema)}.CURRENT_VERSIONS",
    )
    kept = {path.rstrip("/") for path, state in rows if state != "DELETED"}
    kept |= paths_of_others(connection, target.schema)
    gone = {path.rstrip("/") for path, state in rows if state == "DELETED"} - kept
    root = target.bucket.path() / PACKAGES
    packages = []
    for name, files in sorted(_packages(root, target.bucket).items()):
        path = f"{root.as_udf_path()}/{name}"
        if any(other == path or other.startswith(f"{path}/") for other in kept):
            continue
        if path in gone:
            packages.append(StalePackage(name, path, DELETED, tuple(files)))
        elif unregistered:
            packages.append(StalePackage(name, path, UNREGISTERED, tuple(files)))
    outside = [path for path in gone if not path.startswith(f"{root.as_udf_path()}/")]
    return PrunePlan(tuple(packages), tuple(sorted(outside)))


def prune(target: Target, plan: PrunePlan, progress: Progress) -> None:
    """Remove the files of a plan.

    A manifest goes first, so that what an interruption leaves is no whole package, and the next run
    removes the rest.

    :raises ExallmError: E-EXALLM-DEPLOY-6 where BucketFS refuses.
    """
    root = target.bucket.path() / PACKAGES
    try:
        for package in plan.packages:
            for name in sorted(package.files, key=lambda file: (file != MANIFEST_NAME, file)):
                progress(f"removing {package.name}/{name}")
                with suppress(FileNotFoundError):  # another run was faster
                    (root / package.name / name).rm()
    except (bfs.BucketFsError, requests.RequestException) as error:
        raise bucketfs_error(target.bucket.url, error) from error


def _packages(root: bfs.path.PathLike, bucket: BucketTarget) -> dict[str, list[str]]:
    """``qa/v2`` to the files below it, of all packages in the bucket."""
    found: dict[str, list[str]] = defaultdict(list)
    try:
        if not root.exists():
            return found
        for folder, _, files in root.walk():
            parts = folder.relative_to(root).parts
            if len(parts) >= 2:
                below = "/".join(parts[2:])
                found["/".join(parts[:2])] += [f"{below}/{file}".lstrip("/") for file in files]
    except (bfs.BucketFsError, requests.RequestException) as error:
        raise bucketfs_error(bucket.url, error) from error
    return {name: files for name, files in found.items() if files}
