"""The models that this process has loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.buckets import real_path
from exallm_udfs.engines.engine import Engine
from exallm_udfs.engines.openvino import OpenVinoEngine, OpenVinoSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest
from exallm_udfs.package import check_sizes, package_sha256, read_manifest
from exallm_udfs.registry import RegisteredVersion


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer."""

    manifest: Manifest
    engine: Engine


_loaded: dict[tuple[str, int | None], LoadedModel] = {}


def loaded_model(registered: RegisteredVersion, threads: int | None = None) -> LoadedModel:
    """The registered version, from memory where this process has it.

    Models are kept by the sha256 of their package and by ``threads``. Before a package is loaded,
    its manifest's digest and the sizes of its files are checked; reading every byte is left to
    VERIFY_PACKAGE. Raises E-EXALLM-MODEL-7 to -14.
    """
    key = registered.sha256, threads
    if key not in _loaded:
        folder = real_path(registered.path)
        manifest = _checked_manifest(folder, registered)
        if "openvino" not in manifest.engines:
            raise ExallmError(
                "E-EXALLM-MODEL-14",
                f"{registered.model}@v{registered.version} has no files for the engine openvino",
                "build the package with the engine openvino",
            )
        engine = OpenVinoEngine(
            folder / manifest.engines["openvino"].path,
            OpenVinoSettings(manifest.context_length, threads),
        )
        _loaded[key] = LoadedModel(manifest, engine)
    return _loaded[key]


def close_all() -> None:
    """Free every loaded model."""
    while _loaded:
        _, model = _loaded.popitem()
        model.engine.close()


def _checked_manifest(folder: Path, registered: RegisteredVersion) -> Manifest:
    manifest = read_manifest(folder)
    name = f"{registered.model}@v{registered.version}"
    if package_sha256(folder) != registered.sha256:
        raise ExallmError(
            "E-EXALLM-MODEL-10",
            f"the package of {name} is not the one that was registered",
            "upload the registered package again, or register this one as a new version",
        )
    problems = check_sizes(folder, manifest)
    if problems:
        raise ExallmError(
            "E-EXALLM-MODEL-11",
            f"the package of {name} is not whole: {problems[0].path} {problems[0].problem}",
            "wait until the upload is done, or upload the package again",
        )
    return manifest
