"""One file of a model package, and which files a package may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

MANIFEST_NAME = "manifest.json"
ALLOWED_SUFFIXES = (".bin", ".gguf", ".jinja", ".json", ".model", ".safetensors", ".txt", ".xml")

_PICKLE_SUFFIXES = (".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")
_PATH_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH_LIMIT = 500


def check_sha256(text: str) -> str:
    """The digest itself; ``ValueError`` where it is not 64 lower-case hexadecimal digits."""
    if _SHA256.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a sha256 of 64 lower-case hexadecimal digits")
    return text


def check_package_path(path: str) -> str:
    """The path itself; ``ValueError`` where a package may not hold a file of this name.

    Parts are of letters, digits, ``. _ + -`` and do not begin with a dot: no absolute path, no
    ``..``, no backslash and no hidden file can be written this way.
    """
    parts = path.split("/")
    if len(path) > _PATH_LIMIT or not all(_PATH_PART.fullmatch(part) for part in parts):
        raise ValueError(
            f"{path[:80]!r} is not a path inside a package (relative, of letters, digits and "
            "._+-, no part beginning with a dot)"
        )
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _PICKLE_SUFFIXES:
        raise ValueError(f"{path!r} may hold pickled code; convert it to safetensors")
    if suffix not in ALLOWED_SUFFIXES:
        raise ValueError(f"{path!r} is not one of {' '.join(ALLOWED_SUFFIXES)}")
    return path


@dataclass(frozen=True)
class PackageFile:
    """A file as the manifest lists it.

    :param path: relative to the package's folder, with ``/``.
    :param bytes: its size.
    :param sha256: its digest, 64 lower-case hexadecimal digits.
    """

    path: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        check_package_path(self.path)
        if self.path == MANIFEST_NAME:
            raise ValueError("a manifest does not list itself")
        if self.bytes < 0:
            raise ValueError(f"{self.path}: size {self.bytes} is negative")
        check_sha256(self.sha256)


def check_package_files(files: tuple[PackageFile, ...]) -> None:
    """Raise ``ValueError`` where these files cannot form one package.

    A ``.bin`` is either the weights of an OpenVINO model, beside its ``.xml``, or a pickle in
    disguise: the second is refused.
    """
    paths = [file.path for file in files]
    if not paths:
        raise ValueError("a package has at least one file")
    if len({path.lower() for path in paths}) != len(paths):
        raise ValueError("two files have the same path")
    for path in paths:
        if path.lower().endswith(".bin") and f"{path[:-4]}.xml" not in paths:
            raise ValueError(
                f"{path!r} has no {path[:-4]}.xml beside it, so it may hold pickled code; "
                "convert it to safetensors or OpenVINO IR"
            )
