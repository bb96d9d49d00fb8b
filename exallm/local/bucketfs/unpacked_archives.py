"""Archives of a bucket, unpacked for UDFs as Exasol does it: ``x.tar.gz`` as the folder ``x``."""

from __future__ import annotations

import logging
import os
import shutil
import tarfile
import tempfile
import threading
import zlib
from pathlib import Path

_LOG = logging.getLogger(__name__)
ENDINGS = (".tar.gz", ".tgz", ".tar")
_State = tuple[int, int, int]


def unpacked_folder(archive: Path) -> Path | None:
    """Where an archive is unpacked; None for a file that is none."""
    for ending in ENDINGS:
        stem = archive.name.removesuffix(ending)
        if stem and stem != archive.name:
            return archive.with_name(stem)
    return None


def is_unpacked_archive(folder: Path) -> bool:
    """Whether a folder belongs to the archive beside it, also while that is being unpacked."""
    return any(folder.with_name(folder.name + ending).is_file() for ending in ENDINGS)


class UnpackedArchives:
    """Unpacks in threads of its own, so that an upload does not wait for it.

    A folder appears whole, and only while the archive is still the one that it was unpacked from.

    :param scratch: a folder on the bucket's file system, for what is not whole yet.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._swap = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    def start(self, root: Path) -> None:
        """Unpack what an engine that was killed had not unpacked yet."""
        self._stopping.clear()
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not is_unpacked_archive(Path(folder, name))]
            for name in names:
                target = unpacked_folder(Path(folder, name))
                if target is not None and not target.exists():
                    self.unpack(Path(folder, name))

    def stop(self) -> None:
        """Break off what is being unpacked."""
        self._stopping.set()
        for thread in list(self._threads):
            thread.join()

    def withdraw(self, archive: Path) -> None:
        """Take away what was unpacked, before the archive is replaced or removed."""
        folder = unpacked_folder(archive)
        with self._swap:
            if folder is None or not folder.is_dir() or not archive.is_file():
                return
            place = Path(tempfile.mkdtemp(dir=self._scratch))
            folder.rename(place / "old")
        shutil.rmtree(place)

    def unpack(self, archive: Path) -> None:
        """Unpack a file in the background, if it is an archive."""
        folder = unpacked_folder(archive)
        if folder is not None:
            thread = threading.Thread(
                target=self._unpack, args=(archive, folder), name="unpack", daemon=True
            )
            self._threads.add(thread)
            thread.start()

    def _unpack(self, archive: Path, folder: Path) -> None:
        place = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            state = _state(archive)
            with tarfile.open(archive) as tar:
                for member in tar:
                    if self._stopping.is_set():
                        return
                    tar.extract(member, place / "new", filter="data")
            with self._swap:
                if _state(archive) == state and not folder.exists():
                    (place / "new").rename(folder)
        except FileNotFoundError:
            return  # it was removed meanwhile, or is empty
        except (tarfile.TarError, OSError, EOFError, zlib.error) as problem:
            _LOG.warning("the archive %s was not unpacked: %s", archive.name, problem)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            self._threads.discard(threading.current_thread())


def _state(archive: Path) -> _State:
    facts = archive.stat()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
