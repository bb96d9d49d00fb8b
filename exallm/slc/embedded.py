"""A container for the embedded engine: the packages of the real one, without an image."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from exallm.local.udf.container import CLIENT, PACKAGES, client_line
from exallm.slc.environment import ContainerEnvironment

# Archives are read many times more often than written, by an engine on the same machine.
_COMPRESSION = 1


def build_embedded(
    environment: ContainerEnvironment, folder: Path, progress: Callable[[str], None]
) -> Path:
    """Write ``<name>-embedded.tar.gz`` of an environment; the file appears whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{environment.facts.name}-embedded.tar.gz"
    unfinished = file.with_suffix(".unfinished")
    progress(f"packing {environment.facts.name}")
    with tarfile.open(unfinished, "w:gz", compresslevel=_COMPRESSION) as tar:
        client = client_line(environment.version).encode()
        member = tarfile.TarInfo(CLIENT)
        member.size = len(client)
        tar.addfile(member, io.BytesIO(client))
        tar.add(environment.packages, PACKAGES, filter=_plain)
    unfinished.replace(file)
    return file


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Nobody's file, and nothing that Python makes again."""
    if "__pycache__" in member.name.split("/"):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
