"""A container's archive, looked at before it is uploaded."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from exallm.local.udf.container import CLIENT, CLIENT_LINE_LIMIT, client_python
from exallm.slc.facts import ContainerFacts
from exallm_udfs.container_report import FACTS_NAME
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256


@dataclass(frozen=True)
class ContainerArchive:
    """An archive that was read to its end.

    :param sha256: of the file.
    :param is_embedded: whether it is for the embedded engine, and not for an Exasol.
    """

    file: Path
    bytes: int
    sha256: str
    facts: ContainerFacts
    is_embedded: bool


def read_archive(file: Path) -> ContainerArchive:
    """Read an archive to its end.

    :raises ExallmError: E-EXALLM-SLC-7 where it is no whole container with exallm in it.
    """
    if not file.is_file():
        raise _no_container(file, "there is no such file")
    try:
        client, facts = _read_members(file)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise _no_container(file, f"it is cut off or damaged: {error}") from error
    if client is None:
        raise _no_container(file, f"it holds no {CLIENT}")
    if facts is None:
        raise _no_container(file, f"it holds no {FACTS_NAME}: it was not built by exallm")
    try:
        read = ContainerFacts.from_json(facts)
    except ValueError as error:
        raise _no_container(file, str(error)) from error
    embedded = client_python(client) is not None
    return ContainerArchive(file, file.stat().st_size, file_sha256(file), read, embedded)


def _read_members(file: Path) -> tuple[bytes | None, bytes | None]:
    """The first bytes of the client, and the facts; None for what is missing."""
    client: bytes | None = None
    facts: bytes | None = None
    with gzip.open(file) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name == CLIENT and member.isfile():
                    client = _content(tar, member).read(CLIENT_LINE_LIMIT)
                elif name.rpartition("/")[2] == FACTS_NAME and member.isfile():
                    facts = _content(tar, member).read()
        # tarfile takes a cut for the end; gzip knows better.
        while stream.read(1 << 20):
            pass
    return client, facts


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None  # it is a file
    return content


def _no_container(file: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-7",
        f"{file.name} is no container: {problem}",
        "build it with exallm slc build, or copy the file again",
    )
