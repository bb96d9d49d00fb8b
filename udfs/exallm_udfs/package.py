"""A model package on disk: reading its manifest and checking its files."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest
from exallm_udfs.package_file import MANIFEST_NAME, PackageFile, check_package_path

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileProblem:
    """What is wrong with one file of a package; ``path`` is relative to the package."""

    path: str
    problem: str


def describe_file(path: Path, root: Path) -> PackageFile:
    """The manifest's entry for a file below ``root``, its digest computed in chunks.

    Raises E-EXALLM-MODEL-9 for a symlink, a name that a package may not hold, or what is no file.
    """
    relative = path.relative_to(root).as_posix()
    problem = _kind_problem(root, relative)
    if problem is None:
        try:
            check_package_path(relative)
            return PackageFile(relative, path.stat().st_size, file_sha256(path))
        except ValueError as error:
            problem = str(error)
    raise ExallmError(
        "E-EXALLM-MODEL-9",
        f"{relative!r} cannot go into a model package: {problem}",
        "package regular files of GGUF, safetensors or OpenVINO IR",
    )


def file_sha256(path: Path) -> str:
    """The digest of a file's bytes, 64 hexadecimal digits, whatever the file's size."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def package_sha256(folder: Path) -> str:
    """The digest of a package: that of its manifest's bytes, which hold every file's digest."""
    return hashlib.sha256(_manifest_bytes(folder)).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the package in ``folder``.

    Raises E-EXALLM-MODEL-7 where there is none (the manifest is written last, so the package is
    not whole) and E-EXALLM-MODEL-8 where it is not valid.
    """
    return parse_manifest(_manifest_bytes(folder))


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in a file's bytes; E-EXALLM-MODEL-8 where it is not valid."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ExallmError(
            "E-EXALLM-MODEL-8",
            "the manifest is not valid: it is not UTF-8",
            "build the package again with this version of exallm",
        ) from None
    return Manifest.from_json(text)


def _manifest_bytes(folder: Path) -> bytes:
    if _kind_problem(folder, MANIFEST_NAME) is not None:
        raise ExallmError(
            "E-EXALLM-MODEL-7",
            f"there is no whole model package in {folder}: it has no {MANIFEST_NAME}",
            "wait until the upload is done, or upload the package again",
        )
    return (folder / MANIFEST_NAME).read_bytes()


def check_sizes(folder: Path, manifest: Manifest) -> list[FileProblem]:
    """The files that are missing, no regular files, or of another size. Reads no content."""
    problems = []
    for file in manifest.files:
        problem = _kind_problem(folder, file.path)
        if problem is None:
            size = (folder / file.path).stat().st_size
            if size != file.bytes:
                problem = f"has {size} bytes instead of {file.bytes}"
        if problem is not None:
            problems.append(FileProblem(file.path, problem))
    return problems


def verify_package(folder: Path, expected_sha256: str) -> list[FileProblem]:
    """Everything that is wrong with a package, after reading every byte of it.

    A file beside those of the manifest is a problem too: an engine that opens a folder might read
    it. ``expected_sha256`` is the registered digest of the manifest. An empty list means that the
    package is whole and unaltered.
    """
    if not folder.is_dir():
        return [FileProblem(MANIFEST_NAME, "the package's folder is missing")]
    try:
        content = _manifest_bytes(folder)
        manifest = parse_manifest(content)
    except ExallmError as error:
        return [FileProblem(MANIFEST_NAME, error.problem)]
    problems = check_sizes(folder, manifest)
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        problems.append(FileProblem(MANIFEST_NAME, "differs from the registered manifest"))
    reported = {problem.path for problem in problems}
    for file in manifest.files:
        if file.path not in reported and file_sha256(folder / file.path) != file.sha256:
            problems.append(FileProblem(file.path, "has another sha256 than the manifest says"))
    listed = {MANIFEST_NAME, *(file.path for file in manifest.files)}
    problems += [
        FileProblem(path, "is not in the manifest")
        for path in _paths_below(folder)
        if path not in listed
    ]
    return sorted(problems, key=lambda problem: problem.path)


def _paths_below(folder: Path) -> list[str]:
    paths = []
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        paths += [Path(parent, name).relative_to(folder).as_posix() for name in names + links]
    return paths


def _kind_problem(root: Path, relative: str) -> str | None:
    path = root
    for part in relative.split("/"):
        path = path / part
        if path.is_symlink():
            return "is a symlink"
    if not path.exists():
        return "is missing"
    return None if stat.S_ISREG(path.stat().st_mode) else "is not a regular file"
