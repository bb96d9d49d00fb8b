"""Landlock, by which a Linux process gives up files, signals and connections for good.

See the kernel's ``userspace-api/landlock``. Whatever is not granted to a handled right is refused
with EACCES, also to all that the process starts. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable

from exallm.local.udf.kernel import checked, refuse_new_privileges, system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
READ = _EXECUTE | _READ_FILE | READ_DIR
WRITE = (1 << 16) - 1
# How many rights on files each version of the interface knows, from the first bit on.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FILE_RIGHTS = 16
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract Unix sockets and signals of other processes


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def landlock_version() -> int:
    """The version of the kernel's interface, 0 where there is none to use."""
    if sys.platform != "linux":
        return 0
    return max(system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG), 0)


def restrict(version: int, grants: Iterable[tuple[str, int]], network: bool) -> None:
    """Give up everything but what is granted, in this thread and what it starts.

    From version 4 on TCP goes too unless ``network``; from version 6 on signals to processes
    outside, and their abstract sockets.

    :param version: what :func:`landlock_version` says, from 1 on.
    :param grants: a path and the rights beneath it; paths that are not there are passed over.
    :raises OSError: if the kernel refuses.
    """
    known = (1 << _FILE_RIGHTS.get(version, _NEWEST_FILE_RIGHTS)) - 1
    attributes = _RulesetAttributes(
        known,
        _TCP if version >= 4 and not network else 0,
        _SCOPES if version >= 6 else 0,
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _checked(system_call(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    try:
        for path, rights in grants:
            _grant(ruleset, path, rights & known)
        refuse_new_privileges()
        _checked(system_call(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        rule = _PathBeneath(rights, descriptor)
        _checked(system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    return checked(result, "Landlock")
