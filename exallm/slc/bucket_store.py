"""Containers in BucketFS: their archives, what is known of each, and which were active."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import exasol.bucketfs as bfs
import requests

from exallm.installer.models import Uploaded, UploadedFile
from exallm.installer.target import BucketTarget, bucketfs_error
from exallm.slc.archive import ContainerArchive
from exallm.slc.facts import ContainerFacts
from exallm_udfs.errors import ExallmError

FOLDER = "exallm/slc"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")
_ACTIVATIONS = "activations.json"
_REFUSED_LOGIN, _REFUSED_WRITE, _NO_ROOM = (401,), (403, 405), (413, 507)


@dataclass(frozen=True)
class StoredContainer:
    """What is known of an archive in BucketFS; written before the upload and after it.

    :param is_whole: false while it is being uploaded, and after an upload that was interrupted.
    """

    sha256: str
    bytes: int
    facts: ContainerFacts
    is_whole: bool

    @classmethod
    def of(cls, archive: ContainerArchive, is_whole: bool) -> StoredContainer:
        """The record of an archive."""
        return cls(archive.sha256, archive.bytes, archive.facts, is_whole)

    @classmethod
    def from_entries(cls, entries: dict[str, Any]) -> StoredContainer:
        """The record as JSON has it; :raises ValueError: for anything else."""
        if set(entries) != {field.name for field in fields(cls)}:
            raise ValueError("it has other entries")
        sha256, size, is_whole = entries["sha256"], entries["bytes"], entries["is_whole"]
        if not (isinstance(sha256, str) and type(size) is int and isinstance(is_whole, bool)):
            raise ValueError("it has an entry of another type")
        return cls(sha256, size, ContainerFacts.from_entries(entries["facts"]), is_whole)


class BucketStore:
    """The containers of one bucket. BucketFS has no lock: one deployment at a time.

    Every method raises E-EXALLM-SLC-8 for a wrong password or a bucket that cannot be written,
    E-EXALLM-SLC-9 where there is no room, E-EXALLM-DEPLOY-6 for other failures of BucketFS.
    """

    def __init__(self, bucket: BucketTarget) -> None:
        self._bucket = bucket
        self._folder: bfs.path.PathLike = bucket.path() / FOLDER

    def udf_path(self, version: str) -> str:
        """Where UDFs see the unpacked container."""
        return str((self._folder / archive_name(version)).as_udf_path())

    def stored(self, version: str) -> StoredContainer | None:
        """What is known of a version, None where none was ever uploaded."""
        name = _record_name(version)
        entries = self._read_json(name)
        try:
            return None if entries is None else StoredContainer.from_entries(entries)
        except ValueError as error:
            raise _damaged(name) from error

    def upload(self, archive: ContainerArchive, version: str, uploaded: Uploaded) -> bool:
        """Put an archive under a version; false where the same one lies there already.

        An interrupted upload is begun again: BucketFS keeps nothing of half a file.
        """
        known = self.stored(version)
        if known == StoredContainer.of(archive, is_whole=True):
            return False
        # Written first, it also finds out whether we may write, before the long upload does.
        self._write_record(version, StoredContainer.of(archive, is_whole=False))
        with self._explained():
            (self._folder / archive_name(version)).write(UploadedFile(archive.file, uploaded))
        self._write_record(version, StoredContainer.of(archive, is_whole=True))
        return True

    def activations(self, alias: str) -> tuple[str, ...]:
        """The URLs that an alias has had through exallm, the active one last."""
        urls = (self._read_json(_ACTIVATIONS) or {}).get(alias, [])
        if not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
            raise _damaged(_ACTIVATIONS)
        return tuple(urls)

    def remember(self, alias: str, urls: tuple[str, ...]) -> None:
        """Write the URLs of an alias."""
        entries = self._read_json(_ACTIVATIONS) or {}
        self._write_json(_ACTIVATIONS, {**entries, alias: list(urls)})

    def _write_record(self, version: str, record: StoredContainer) -> None:
        self._write_json(_record_name(version), asdict(record))

    def _write_json(self, name: str, entries: dict[str, Any]) -> None:
        with self._explained():
            (self._folder / name).write((json.dumps(entries, indent=2) + "\n").encode())

    def _read_json(self, name: str) -> dict[str, Any] | None:
        with self._explained():
            file = self._folder / name
            if not file.exists():
                return None
            content = b"".join(file.read())
        try:
            entries = json.loads(content)
        except ValueError as error:
            raise _damaged(name) from error
        if not isinstance(entries, dict):
            raise _damaged(name)
        return entries

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (bfs.BucketFsError, requests.RequestException) as error:
            raise _explain(self._bucket, error) from error


def archive_name(version: str) -> str:
    """File name of a version's archive.

    :raises ExallmError: E-EXALLM-SLC-15 for a text that no folder can have as its name.
    """
    if not _VERSION.fullmatch(version) or version.endswith((".tar", ".tgz", ".gz", ".zip")):
        raise ExallmError(
            "E-EXALLM-SLC-15",
            f"{version[:80]!r} is no version of a container",
            "use letters, digits, '.', '_', '+' and '-', without an archive's ending",
        )
    return f"exallm-{version}.tar.gz"


def _record_name(version: str) -> str:
    return archive_name(version).removesuffix(".tar.gz") + ".json"


def _damaged(name: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-14",
        f"{name} in {FOLDER} of the bucket is damaged",
        "remove it, and deploy the container again",
    )


def _explain(bucket: BucketTarget, error: Exception) -> ExallmError:
    cause = error.__cause__ or error
    status = getattr(getattr(cause, "response", None), "status_code", None)
    if status in _REFUSED_LOGIN:
        return ExallmError(
            "E-EXALLM-SLC-8",
            f"BucketFS at {bucket.url} does not know the password of {bucket.user}",
            "set BUCKETFS_PASSWORD to the bucket's write password",
        )
    if status in _REFUSED_WRITE:
        return ExallmError(
            "E-EXALLM-SLC-8",
            f"{bucket.user} may not write to the bucket {bucket.bucket}",
            "use the bucket's write user and password, or a bucket that is not read-only",
        )
    if status in _NO_ROOM:
        return ExallmError(
            "E-EXALLM-SLC-9",
            f"the bucket {bucket.bucket} has no room for the container (status {status})",
            "remove containers that no alias names, or give BucketFS more disk",
        )
    return bucketfs_error(bucket.url, error)
