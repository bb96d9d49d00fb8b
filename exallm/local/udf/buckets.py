"""``/buckets`` inside a UDF process, though the engine keeps those files in another folder.

Python's ``open`` and the functions of ``os`` are replaced by ones that look up ``/buckets/...`` in
the engine's folder, so that pathlib, glob, shutil and imports see it too. Native code does not:
it needs the real folder, which the variable ``EXALLM_BUCKETS_ROOT`` names. The tree is read-only,
as it is in Exasol: a guard against mistakes, no wall against a script that means to write.
"""

from __future__ import annotations

import builtins
import errno
import functools
import io
import os
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.importlib import PathEntryFinderProtocol

ROOT_VARIABLE = "EXALLM_BUCKETS_ROOT"
MOUNT = "/buckets"

_READERS = ("stat", "lstat", "listdir", "readlink", "chdir", "statvfs", "listxattr", "getxattr")
_WRITERS = (
    "chmod", "chown", "lchown", "link", "mkdir", "mkfifo", "remove", "removexattr", "rename",
    "replace", "rmdir", "setxattr", "symlink", "truncate", "unlink", "utime",
)  # fmt: skip
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# shutil and tempfile look functions up in these sets to see what the system can do. Writers are
# left out of the first: beside a directory's descriptor their paths do not tell where they write.
_FUNCTION_SETS = (
    os.supports_dir_fd,
    os.supports_effective_ids,
    os.supports_fd,
    os.supports_follow_symlinks,
)


def install(root: str) -> None:
    """Make this process see ``root`` as ``/buckets``, once; nothing if that is its real place."""
    if os.path.realpath(root) == MOUNT:
        return
    files = BucketFiles(root)
    for name in _READERS:
        if name in vars(os):  # extended attributes are Linux's
            _replace(name, files.reading(vars(os)[name]))
    for name in _WRITERS:
        if name in vars(os):
            _replace(name, files.writing(vars(os)[name]), _FUNCTION_SETS[1:])
    _replace("access", files.access(os.access))
    _replace("open", files.open_descriptor(os.open))
    _replace("scandir", files.scandir(os.scandir))
    opened = files.open_file(open)
    for module in (builtins, io):
        setattr(module, "open", opened)  # noqa: B010 - as os's are
    sys.path_hooks.insert(0, files.path_hook(list(sys.path_hooks)))


class BucketFiles:
    """Functions that take paths under ``/buckets`` for paths under another folder.

    :param root: that folder, ``<service>/<bucket>/...``.
    """

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)

    def locate(self, path: Any) -> str | None:
        """Where a path under ``/buckets`` really is; None for any other path or descriptor."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return None
        text = os.path.normpath(os.fsdecode(path))
        if text == MOUNT or text.startswith(MOUNT + "/"):
            return self._root + text[len(MOUNT) :]
        return None

    def reading(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function(path, ...)``, for a function that only reads."""

        @functools.wraps(function)
        def read(path: Any = ".", *arguments: Any, **keywords: Any) -> Any:
            real = self.locate(path)
            if real is None:
                return function(path, *arguments, **keywords)
            try:
                return function(real, *arguments, **keywords)
            except OSError as error:
                error.filename = path
                raise

        return read

    def writing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function(path, ...)``, for a function that changes what a path names."""

        @functools.wraps(function)
        def write(*arguments: Any, **keywords: Any) -> Any:
            for path in (*arguments[:2], *keywords.values()):
                if self.locate(path) is not None:
                    raise _read_only(path)
            return function(*arguments, **keywords)

        return write

    def access(self, function: Callable[..., bool]) -> Callable[..., bool]:
        """``os.access``, which never allows to write."""

        @functools.wraps(function)
        def access(path: Any, mode: int, **keywords: Any) -> bool:
            real = self.locate(path)
            if real is not None and mode & os.W_OK:
                return False
            return function(path if real is None else real, mode, **keywords)

        return access

    def open_file(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The builtin ``open``."""
        reading = self.reading(function)

        @functools.wraps(function)
        def opened(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            if self.locate(file) is not None and not {"w", "a", "x", "+"}.isdisjoint(mode):
                raise _read_only(file)
            return reading(file, mode, *arguments, **keywords)

        return opened

    def open_descriptor(self, function: Callable[..., int]) -> Callable[..., int]:
        """``os.open``."""
        reading = self.reading(function)

        @functools.wraps(function)
        def opened(path: Any, flags: int, *arguments: Any, **keywords: Any) -> int:
            if self.locate(path) is not None and flags & _WRITE_FLAGS:
                raise _read_only(path)
            descriptor: int = reading(path, flags, *arguments, **keywords)
            return descriptor

        return opened

    def scandir(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``os.scandir``, whose entries keep their ``/buckets`` paths."""
        reading = self.reading(function)

        @functools.wraps(function)
        def scan(path: Any = ".") -> Any:
            entries = reading(path)
            return entries if self.locate(path) is None else BucketListing(os.fspath(path), entries)

        return scan

    def path_hook(
        self, hooks: list[Callable[[str], PathEntryFinderProtocol]]
    ) -> Callable[[str], PathEntryFinderProtocol]:
        """An import hook for ``sys.path`` entries under ``/buckets``."""

        def find(path: str) -> PathEntryFinderProtocol:
            real = self.locate(path)
            if real is not None:
                for hook in hooks:
                    try:
                        return hook(real)
                    except ImportError:
                        continue  # as the import system does: the next hook may take it
            raise ImportError("not under /buckets", path=path)

        return find


class BucketEntry:
    """An ``os.DirEntry`` under ``/buckets``."""

    def __init__(self, folder: str, entry: os.DirEntry[str]) -> None:
        self.name = entry.name
        self.path = os.path.join(folder, entry.name)  # noqa: PTH118 - as os.DirEntry has it
        self._entry = entry
        self.inode = entry.inode
        self.is_dir = entry.is_dir
        self.is_file = entry.is_file
        self.is_symlink = entry.is_symlink
        self.stat = entry.stat

    def __fspath__(self) -> str:
        return self.path


class BucketListing:
    """What ``os.scandir`` returns for a folder under ``/buckets``."""

    def __init__(self, folder: str, entries: Any) -> None:
        self._folder = folder
        self._entries = entries

    def __iter__(self) -> Iterator[BucketEntry]:
        return self

    def __next__(self) -> BucketEntry:
        return BucketEntry(self._folder, next(self._entries))

    def __enter__(self) -> BucketListing:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the listing."""
        self._entries.close()


def _replace(
    name: str,
    function: Callable[..., Any],
    sets: tuple[set[Callable[..., Any]], ...] = _FUNCTION_SETS,
) -> None:
    original = vars(os)[name]
    for functions in sets:
        if original in functions:
            functions.add(function)
    setattr(os, name, function)


def _read_only(path: Any) -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))
