"""Calls of the Linux kernel that Python has no function for. Standard library only."""

from __future__ import annotations

import ctypes
import errno
import os

_SET_NO_NEW_PRIVILEGES, _DROP_BOUNDING_CAPABILITY = 38, 24
_CAPABILITIES = 64


def system_call(number: int, *arguments: object) -> int:
    """A system call by its number.

    :param arguments: integers, pointers of ctypes, None for none.
    :returns: what it returns, its error number as a negative number.
    """
    return _result(_libc().syscall(ctypes.c_long(number), *map(_word, arguments)))


def prctl(option: int, *arguments: object) -> int:
    """``prctl``; arguments and result as of :func:`system_call`."""
    words = [*arguments, 0, 0, 0, 0][:4]
    return _result(_libc().prctl(option, *map(_word, words)))


def checked(result: int, what: str) -> int:
    """A result that is no error; ``OSError`` for one that is."""
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
    return result


def refuse_new_privileges() -> None:
    """Let no program that this process becomes have more rights than it has.

    :raises OSError: if the kernel refuses.
    """
    checked(prctl(_SET_NO_NEW_PRIVILEGES, 1), "no new privileges")


def drop_capabilities() -> None:
    """Take root's capabilities from whatever root's process becomes next.

    :raises OSError: if the kernel refuses.
    """
    for capability in range(_CAPABILITIES):
        result = prctl(_DROP_BOUNDING_CAPABILITY, capability)
        if result == -errno.EINVAL:
            return  # the kernel knows no more of them
        checked(result, "dropping capabilities")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _word(argument: object) -> object:
    # The kernel reads whole registers, and ctypes fills half of one for an int.
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _result(returned: int) -> int:
    return returned if returned >= 0 else -ctypes.get_errno()
