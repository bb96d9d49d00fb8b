"""A model package as a folder on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from exallm.models.package import build_manifest
from exallm.models.source import PackageSource
from exallm_udfs.manifest import Manifest
from exallm_udfs.package_file import MANIFEST_NAME


def write_package(source: PackageSource, name: str, version: int, folder: Path) -> Manifest:
    """Copy the source's files into ``folder``, which is new; the manifest is written last."""
    manifest = build_manifest(source, name, version)
    for path, file in source.located().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest
