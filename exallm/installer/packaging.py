"""A run of the trainer as a package on this machine, with the script that registers it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from exallm.installer.packaging_cost import packaging_cost
from exallm.installer.registration import install_script, install_script_name
from exallm.models.package_folder import write_package
from exallm.models.run_source import read_run, run_source
from exallm.models.smollm2_source import smollm2_file
from exallm.models.source import Progress
from exallm_udfs.errors import ExallmError
from exallm_udfs.names import check_model_name, check_version, package_path

_PACKAGE_FOLDER = "package"


@dataclass(frozen=True)
class PackageRequest:
    """What a user wants to package.

    :param run: a run folder.
    :param out: a new folder for the package and its script.
    :param base: the GGUF that an adapter was trained on, None for SmolLM2.
    :param data: prepared data whose validation split measures what packaging costs, or None.
    :param rows: questions of that measurement.
    :param schema: of exallm's objects.
    :param bucket: where the package will lie, as UDFs see it.
    """

    run: Path
    name: str
    version: int
    out: Path
    base: Path | None
    data: Path | None
    rows: int
    schema: str
    bucket: str

    def __post_init__(self) -> None:
        check_model_name(self.name)
        check_version(self.version)
        if not self.bucket.startswith("/buckets/"):
            raise ExallmError(
                "E-EXALLM-MODEL-2",
                f"{self.bucket} is not a bucket's path",
                "name it as UDFs see it, as /buckets/bfsdefault/default",
            )
        if self.out.exists():
            raise ExallmError(
                "E-EXALLM-MODEL-30",
                f"{self.out} exists",
                "packages never change: name a new folder",
            )


@dataclass(frozen=True)
class MadePackage:
    """What came of it.

    :param bytes: of all files.
    :param f1_difference: F1 of the package's engine minus that of the checkpoint that was trained,
        in points, or None where it was not measured.
    """

    package: Path
    script: Path
    bytes: int
    f1_difference: float | None

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return {name: str(v) if isinstance(v, Path) else v for name, v in asdict(self).items()}


def package_run(request: PackageRequest, cache: Path, progress: Progress) -> MadePackage:
    """Write the package and ``install_<model>_v<n>.sql``; ``request.out`` appears whole.

    :raises ExallmError: E-EXALLM-TRAIN-11 for a run that cannot be packaged; else as
        ``run_source`` does.
    """
    source = run_source(request.run, request.base, cache, progress)
    difference = None
    if request.data is not None:
        base = request.base
        if base is None and read_run(request.run).is_adapter:
            base = smollm2_file(cache, progress)
        figures = packaging_cost(source, request.run, base, request.data, request.rows, progress)
        difference = float(figures["f1_difference"])
        source = replace(source, evaluation=(*source.evaluation, figures))
    progress("writing the package")
    request.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=request.out.parent) as scratch:
        folder = Path(scratch, "made")
        package = folder / _PACKAGE_FOLDER
        manifest = write_package(source, request.name, request.version, package)
        path = f"{request.bucket.rstrip('/')}/{package_path(request.name, request.version)}"
        script = install_script(request.schema, manifest, manifest.to_json(), path)
        (folder / install_script_name(manifest)).write_text(script, encoding="utf-8")
        folder.rename(request.out)
    return MadePackage(
        request.out / _PACKAGE_FOLDER,
        request.out / install_script_name(manifest),
        sum(file.bytes for file in manifest.files),
        difference,
    )
