"""``exallm bundle create``: container, SQL and models in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from exallm.bundle.bundle_file import CONTAINER, MODELS, SQL, Listing, write_bundle
from exallm.installer.models import open_source, whole_manifest
from exallm.installer.sql_files import all_sql_files
from exallm.models.package_folder import write_package
from exallm.models.source import Progress
from exallm.slc.archive import read_archive
from exallm_udfs.errors import ExallmError
from exallm_udfs.names import check_model_name, package_path
from exallm_udfs.package_file import MANIFEST_NAME


@dataclass(frozen=True)
class BundleRequest:
    """What goes into a bundle.

    :param container: archive of ``exallm slc build``.
    :param models: sources, as ``exallm model add`` takes them; each is version 1 of ``name``,
        the next one version 2.
    :param packages: folders that ``exallm package`` has made, under their own names and versions.
    """

    container: Path
    models: Sequence[str]
    packages: Sequence[Path]
    name: str = "qa"

    def __post_init__(self) -> None:
        check_model_name(self.name)


def create_bundle(request: BundleRequest, file: Path, told: Progress) -> Listing:
    """Write a bundle.

    :raises ExallmError: E-EXALLM-SLC-7 for what is no container, E-EXALLM-MODEL-7, -8, -11 and -26
        for what is no model, E-EXALLM-MODEL-20 for two packages of one name and version.
    """
    told(f"reading {request.container.name}")
    archive = read_archive(request.container)
    members = {f"{CONTAINER}/{archive.file.name}": archive.file}
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as scratch:
        for path, text in all_sql_files().items():
            copy = Path(scratch, SQL, path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8")
            members[f"{SQL}/{path}"] = copy
        for number, source in enumerate(request.models, start=1):
            package = Path(scratch, MODELS, str(number))
            package.mkdir(parents=True)
            write_package(open_source(source, told), request.name, number, package)
            _add_package(members, package)
        for package in request.packages:
            _add_package(members, package)
        return write_bundle(file, metadata.version("exallm"), members, told)


def _add_package(members: dict[str, Path], package: Path) -> None:
    manifest = whole_manifest(package)
    folder = f"{MODELS}/{manifest.name}/v{manifest.version}"
    assert package_path(manifest.name, manifest.version).endswith(folder)
    if f"{folder}/{MANIFEST_NAME}" in members:
        raise ExallmError(
            "E-EXALLM-MODEL-20",
            f"another package of the bundle is version {manifest.version} of {manifest.name}, too",
            f"leave {package} out, or package it under another name or version",
        )
    paths = [*(file.path for file in manifest.files), MANIFEST_NAME]
    members.update({f"{folder}/{path}": package / path for path in paths})
