"""The files of one bucket, in a folder that UDF processes read as plain files."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from exallm.local.bucketfs.unpacked_archives import (
    UnpackedArchives,
    is_unpacked_archive,
    unpacked_folder,
)

NAME_LIMIT = 255
PATH_LIMIT = 1024
_REFUSED_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\\]")


class BucketPathError(ValueError):
    """A path that names no file a bucket may hold; the message says why."""


def check_bucket_path(path: str) -> None:
    """Refuse what is no plain relative path.

    :param path: relative to the bucket, parts separated by ``/``.
    :raises BucketPathError: an absolute or empty path, ``.`` and ``..``, a backslash, a control
        character, a part of more than 255 or a path of more than 1,024 bytes, or no UTF-8.
    """
    try:
        parts = [part.encode() for part in path.split("/")]
    except UnicodeEncodeError:
        raise BucketPathError("the path is not valid UTF-8") from None
    if any(part in (b"", b".", b"..") for part in parts):
        raise BucketPathError("the path is absolute or has an empty part, '.' or '..'")
    if _REFUSED_CHARACTERS.search(path):
        raise BucketPathError("the path has a backslash or a control character")
    if max(map(len, parts)) > NAME_LIMIT or len(path.encode()) > PATH_LIMIT:
        raise BucketPathError(
            f"the path is too long: {NAME_LIMIT} bytes a part and {PATH_LIMIT} in all are allowed"
        )


class BucketFolder:
    """Files below ``root``; what is still being uploaded lies in ``uploads``, never in ``root``.

    Archives are unpacked beside themselves, where UDFs see them; no method here shows or reaches
    what was unpacked.

    Both folders must lie on one file system. Several threads may use one object.
    """

    def __init__(self, root: Path, uploads: Path) -> None:
        self.root = root
        self._uploads = uploads
        # A folder must not vanish between its making and the arrival of its first file.
        self._folders = threading.Lock()
        self._archives = UnpackedArchives(uploads)

    def prepare(self) -> None:
        """Make the folders, remove what a killed process left unfinished, and unpack archives."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._uploads.mkdir(parents=True, exist_ok=True)
        for leftover in self._uploads.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._archives.start(self.root)

    def stop(self) -> None:
        """Break off what is being unpacked; ``prepare`` begins it again."""
        self._archives.stop()

    def paths(self) -> list[str]:
        """Every file, sorted, relative to the bucket; links and odd names are left out."""
        return sorted(self._walk(self.root, ""))

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                try:
                    check_bucket_path(path)
                except BucketPathError:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if is_unpacked_archive(folder / entry.name):
                        continue
                    yield from self._walk(folder / entry.name, path + "/")
                elif entry.is_file(follow_symlinks=False):
                    yield path

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading; later uploads do not change what it reads.

        :raises FileNotFoundError: there is no such file.
        :raises BucketPathError: the path is no bucket path, or a link.
        """
        target = self._locate(path)
        if not target.is_file():
            raise FileNotFoundError(path)
        return os.fdopen(os.open(target, os.O_RDONLY | os.O_NOFOLLOW), "rb")

    def write(self, path: str, content: Iterable[bytes | memoryview]) -> None:
        """Put a file in place, whole and on disk, or leave everything as it was.

        :raises BucketPathError: the path is no bucket path, or leads through a link.
        :raises IsADirectoryError, NotADirectoryError: a folder or a file is in the way.
        :raises OSError: the disk is full or fails; what ``content`` raises passes through.
        """
        target = self._locate(path)
        beside = unpacked_folder(target)
        if target.is_dir() or (beside is not None and beside.is_dir() and not target.is_file()):
            raise IsADirectoryError(path)
        descriptor, name = tempfile.mkstemp(dir=self._uploads)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for chunk in content:
                    _write_all(file, chunk)
                os.fsync(file.fileno())
            with self._folders:
                self._make_folder(target.parent)
                self._archives.withdraw(target)
                temporary.replace(target)
            _sync_folder(target.parent)
            self._archives.unpack(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(folder) from None

    def delete(self, path: str) -> bool:
        """Remove a file and the folders that it leaves empty; False where there is none.

        :raises BucketPathError: the path is no bucket path, or a link.
        """
        target = self._locate(path)
        with self._folders:
            if not target.is_file():
                return False
            self._archives.withdraw(target)
            target.unlink()
            folder = target.parent
            while folder != self.root and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent
        return True

    def _locate(self, path: str) -> Path:
        check_bucket_path(path)
        place = self.root
        target = self.root / path
        for part in path.split("/"):
            place /= part
            if place.is_symlink():
                raise BucketPathError("the path leads through a symbolic link")
            if is_unpacked_archive(place) and (place != target or place.is_dir()):
                raise BucketPathError("the path leads into an unpacked archive")
        return place


def _write_all(file: BinaryIO, chunk: bytes | memoryview) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
