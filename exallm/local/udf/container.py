"""The script-language container behind an alias, as the embedded engine runs it.

A container for the embedded engine holds the packages of the real one, under ``python/``, and a
line for this engine where the real one has its UDF client. Scripts under its alias run on a Python
of this machine that sees those packages and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from exallm.local.udf.python_versions import find_python
from exallm_udfs.errors import ExallmError

BUILTIN = "builtin_python3"
CLIENT = "exaudf/exaudfclient"
PACKAGES = "python"
CLIENT_LINE_LIMIT = 100
_CLIENT_LINE = re.compile(r"exallm-embedded python=(\d+\.\d+)\n")
_URL = re.compile(r"localzmq\+protobuf://[^#]*#/buckets/(?P<client>.+)")


@dataclass(frozen=True)
class Container:
    """A container that lies unpacked in a bucket.

    :param folder: where it lies on this machine.
    :param python: the Python that runs its scripts.
    """

    folder: Path
    python: Path

    @property
    def packages(self) -> Path:
        """The folder that its scripts import from."""
        return self.folder / PACKAGES


def client_line(python: str) -> str:
    """What stands in ``exaudf/exaudfclient`` of a container for this engine.

    :param python: version, as ``3.12``.
    """
    return f"exallm-embedded python={python}\n"


def client_python(begin: bytes) -> str | None:
    """The version of Python that :func:`client_line` names, None for another client.

    :param begin: the client's first :data:`CLIENT_LINE_LIMIT` bytes.
    """
    match = _CLIENT_LINE.fullmatch(begin.decode("ascii", "replace"))
    return match[1] if match else None


def open_container(url: str, buckets_root: Path) -> Container | None:
    """The container that an entry of SCRIPT_LANGUAGES means, None for the engine's own Python.

    :param url: what stands after ``ALIAS=``.
    :raises ExallmError: E-EXALLM-LOCAL-35 where nothing lies there, -36 where it is not for this
        engine, or the machine has not its Python.
    """
    if url == BUILTIN:
        return None
    match = _URL.fullmatch(url)
    parts = match["client"].split("/") if match else []
    if not match or ".." in parts or not match["client"].endswith("/" + CLIENT):
        raise ExallmError(
            "E-EXALLM-LOCAL-36",
            f"the script language {url[:200]} is none that the embedded engine runs",
            f"use {BUILTIN}, or deploy a container with exallm slc deploy",
        )
    client = buckets_root.joinpath(*parts)
    try:
        with client.open("rb") as file:
            begin = file.read(CLIENT_LINE_LIMIT)
    except OSError as error:
        raise ExallmError(
            "E-EXALLM-LOCAL-35",
            f"there is no container at /buckets/{'/'.join(parts[:-2])}",
            "upload it, and wait until it is unpacked",
        ) from error
    version = client_python(begin)
    if version is None:
        raise ExallmError(
            "E-EXALLM-LOCAL-36",
            f"the container at /buckets/{'/'.join(parts[:-2])} is not for the embedded engine",
            "build one for it with exallm slc build --embedded",
        )
    python = find_python(version)
    if python is None:
        raise ExallmError(
            "E-EXALLM-LOCAL-36",
            f"the container needs Python {version}, which is not on this machine",
            f"install python{version}",
        )
    return Container(client.parents[1], python)
