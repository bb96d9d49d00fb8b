"""Adds a model to a database: package, upload, registration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import exasol.bucketfs as bfs
import pyexasol
import requests

from exallm.home import exallm_home
from exallm.installer.registration import registration_call
from exallm.installer.statements import run
from exallm.installer.target import BucketTarget, Target, bucketfs_error
from exallm.models.gguf_source import gguf_source
from exallm.models.hub_source import folder_source, hub_source, is_hub_name
from exallm.models.package import build_manifest, is_same_model
from exallm.models.run_source import QA_NAME, is_run, qa_run, run_source
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.models.smollm2_source import smollm2_source
from exallm.models.source import PackageSource, Progress
from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest
from exallm_udfs.names import check_alias, check_model_name, package_path
from exallm_udfs.package import check_sizes, parse_manifest, read_manifest
from exallm_udfs.package_file import MANIFEST_NAME

_CHUNK_BYTES = 1 << 20
Uploaded = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ModelRequest:
    """What a user wants to add.

    :param source: ``smollm2``, ``smollm2-qa``, a GGUF file, a run of the trainer, a checkpoint
        folder, or ``owner/name`` of the Hub.
    :param name: name of the model in the registry.
    :param alias: alias that is to mean the new version, None for none; the first version of a
        model is its champion in any case.
    """

    source: str
    name: str
    alias: str | None = None

    def __post_init__(self) -> None:
        check_model_name(self.name)
        if self.alias is not None:
            check_alias(self.alias)


@dataclass(frozen=True)
class AddedModel:
    """A registered version; ``is_new`` is false where it had been registered before."""

    name: str
    version: int
    is_new: bool


def open_source(source: str, progress: Progress) -> PackageSource:
    """The package source for what a user named.

    :raises ExallmError: E-EXALLM-MODEL-26 for what is no source.
    """
    cache = exallm_home() / "models"
    path = Path(source)
    if source == SMOLLM2:
        return smollm2_source(cache, progress)
    if source == QA_NAME:
        return run_source(qa_run(), None, cache, progress)
    if path.is_file():
        return gguf_source(path, cache, progress)
    if is_run(path):
        return run_source(path, None, cache, progress)
    if path.is_dir():
        return folder_source(path, cache, progress)
    if is_hub_name(source):
        return hub_source(source, cache, progress)
    raise ExallmError(
        "E-EXALLM-MODEL-26",
        f"{source!r} is no model",
        f"name {SMOLLM2}, {QA_NAME}, a GGUF file, a run, a checkpoint folder, or owner/name of the"
        " Hub",
    )


def add_model(
    connection: pyexasol.ExaConnection,
    target: Target,
    request: ModelRequest,
    progress: Progress,
    uploaded: Uploaded,
) -> AddedModel:
    """Package, upload and register a model in the connection's transaction.

    The caller commits or rolls back. Uploaded files stay after a rollback, named by no row.
    """
    source = open_source(request.source, progress)
    progress("computing the package's hashes")
    versions = registered_versions(connection, target.schema, request.name)
    draft = build_manifest(source, request.name, max(versions, default=0) + 1)
    gone = deleted_versions(connection, target.schema, request.name)
    known = [
        number
        for number, text in versions.items()
        if number not in gone and is_same_model(draft, text)
    ]
    if known:
        version, manifest = known[-1], versions[known[-1]]
    else:
        version, manifest = draft.version, draft.to_json()
    folder = target.bucket.path() / package_path(request.name, version)
    if not known:
        upload(source.located(), manifest, folder, target.bucket, uploaded)
    progress("checking the package in the database and registering it")
    registered = parse_manifest(manifest.encode())
    path = folder.as_udf_path()
    run(connection, registration_call(target.schema, registered, manifest, path, request.alias))
    return AddedModel(request.name, version, not known)


def registered_versions(
    connection: pyexasol.ExaConnection, schema: str, name: str
) -> dict[int, str]:
    """Version to manifest text of what is registered under a name, in order."""
    rows = run(
        connection,
        f"SELECT MODEL_VERSION, MANIFEST FROM {quote_identifier(schema)}.MODEL_VERSIONS"
        f" WHERE MODEL = {quote_text(name)} ORDER BY MODEL_VERSION",
    )
    return {int(version): manifest for version, manifest in rows}


def deleted_versions(connection: pyexasol.ExaConnection, schema: str, name: str) -> set[int]:
    """Versions of a model that SQL has deleted: their numbers and files are not used again."""
    rows = run(
        connection,
        f"SELECT MODEL_VERSION FROM {quote_identifier(schema)}.CURRENT_VERSIONS"
        f" WHERE MODEL = {quote_text(name)} AND VERSION_STATE = 'DELETED'",
    )
    return {int(version) for (version,) in rows}


def register_package(
    connection: pyexasol.ExaConnection,
    target: Target,
    package: Path,
    alias: str | None,
    progress: Progress,
    uploaded: Uploaded,
) -> AddedModel:
    """Upload a package's folder and register it in the connection's transaction.

    :raises ExallmError: E-EXALLM-MODEL-7 and -8 for a folder that is no package, E-EXALLM-MODEL-11
        where a file is missing, E-EXALLM-MODEL-20 where the version is another package.
    """
    manifest = whole_manifest(package)
    text = (package / MANIFEST_NAME).read_text(encoding="utf-8")
    known = registered_versions(connection, target.schema, manifest.name).get(manifest.version)
    folder = target.bucket.path() / package_path(manifest.name, manifest.version)
    if known is None:
        files = {file.path: package / file.path for file in manifest.files}
        upload(files, text, folder, target.bucket, uploaded)
    progress("checking the package in the database and registering it")
    path = folder.as_udf_path()
    run(connection, registration_call(target.schema, manifest, text, path, alias))
    return AddedModel(manifest.name, manifest.version, known is None)


def whole_manifest(package: Path) -> Manifest:
    """The manifest of a package's folder that holds every file which it lists.

    :raises ExallmError: E-EXALLM-MODEL-7 and -8 for a folder that is no package, E-EXALLM-MODEL-11
        where a file is missing or has another size.
    """
    manifest = read_manifest(package)
    problems = check_sizes(package, manifest)
    if problems:
        raise ExallmError(
            "E-EXALLM-MODEL-11",
            f"the package in {package} is not whole: {problems[0].path} {problems[0].problem}",
            "make the package again",
        )
    return manifest


def upload(
    files: Mapping[str, Path],
    manifest: str,
    folder: bfs.path.PathLike,
    bucket: BucketTarget,
    uploaded: Uploaded,
) -> None:
    """Put a package into BucketFS; the manifest is written last, so its presence means whole.

    :raises ExallmError: E-EXALLM-DEPLOY-6 where BucketFS refuses.
    """
    try:
        stale = folder / MANIFEST_NAME
        if stale.exists():
            stale.rm()
        for path, file in files.items():
            (folder / path).write(UploadedFile(file, uploaded))
        (folder / MANIFEST_NAME).write(manifest.encode())
    except (bfs.BucketFsError, requests.RequestException) as error:
        raise bucketfs_error(bucket.url, error) from error


class UploadedFile:
    """A file's bytes for one upload, with its progress told on the way."""

    def __init__(self, file: Path, uploaded: Uploaded) -> None:
        self._file = file
        self._uploaded = uploaded
        self._size = file.stat().st_size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        with self._file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
                done += len(chunk)
                self._uploaded(self._file.name, done, self._size)
