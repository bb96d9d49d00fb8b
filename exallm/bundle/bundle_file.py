"""The file of a bundle: a tar archive whose first member lists the others with their hashes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from exallm.models.source import Progress
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256

LISTING = "bundle.json"
CONTAINER, SQL, MODELS = "container", "sql", "models"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class BundledFile:
    """A member of a bundle: path with ``/``, size in bytes, sha256."""

    path: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or "\\" in self.path or len(path.parts) < 2:
            raise ValueError(f"{self.path!r} is no path of a bundle")
        if path.parts[0] not in (CONTAINER, SQL, MODELS):
            raise ValueError(f"{self.path!r} is in none of a bundle's folders")


@dataclass(frozen=True)
class Listing:
    """What a bundle holds.

    :param exallm: the version of exallm that made it, and whose SQL it holds.
    :param files: every member but the listing, in order.
    """

    exallm: str
    files: tuple[BundledFile, ...]

    def below(self, folder: str) -> tuple[BundledFile, ...]:
        """The files below a folder of the bundle."""
        return tuple(file for file in self.files if file.path.startswith(folder + "/"))


def write_bundle(file: Path, exallm: str, members: Mapping[str, Path], told: Progress) -> Listing:
    """Write a bundle; the file appears whole.

    :param members: path in the bundle to the file on this machine.
    """
    listed = []
    for path, source in members.items():
        told(f"computing the hash of {path}")
        listed.append(BundledFile(path, source.stat().st_size, file_sha256(source)))
    listing = Listing(exallm, tuple(listed))
    unfinished = file.with_name(file.name + ".unfinished")
    with tarfile.open(unfinished, "w") as tar:
        text = (json.dumps(asdict(listing), indent=2) + "\n").encode()
        head = tarfile.TarInfo(LISTING)
        head.size = len(text)
        tar.addfile(head, BytesIO(text))
        for path, source in members.items():
            told(f"writing {path}")
            member = tarfile.TarInfo(path)
            member.size = source.stat().st_size
            with source.open("rb") as stream:
                tar.addfile(member, stream)
    unfinished.replace(file)
    return listing


def unpack_bundle(file: Path, folder: Path, told: Progress) -> Listing:
    """Unpack a bundle and compare every byte with its listing.

    :raises ExallmError: E-EXALLM-SLC-20 where the file is no bundle, is cut off, or holds what its
        listing does not say.
    """
    try:
        with tarfile.open(file, "r:") as tar:
            first = tar.next()
            content = tar.extractfile(first) if first and first.name == LISTING else None
            if content is None:
                raise _damaged(file, f"it does not begin with {LISTING}")
            listing = _listing(content.read())
            for expected in listing.files:
                told(f"unpacking {expected.path}")
                _unpack_next(tar, expected, folder / expected.path, file)
            if tar.next() is not None:
                raise _damaged(file, "it holds more than it lists")
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise _damaged(file, f"{type(error).__name__}: {error}") from error
    return listing


def _unpack_next(tar: tarfile.TarFile, expected: BundledFile, target: Path, file: Path) -> None:
    member = tar.next()
    source = tar.extractfile(member) if member is not None and member.isfile() else None
    if member is None or source is None or member.name != expected.path:
        raise _damaged(file, f"{expected.path} is missing")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
    if digest.hexdigest() != expected.sha256:
        raise _damaged(file, f"{expected.path} has another sha256 than is listed")


def _listing(content: bytes) -> Listing:
    entries = json.loads(content)
    files = tuple(BundledFile(**entry) for entry in entries["files"])  # each refuses an odd path
    return Listing(str(entries["exallm"]), files)


def _damaged(file: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-20", f"{file.name} is no whole bundle: {problem}", "copy the file again"
    )
