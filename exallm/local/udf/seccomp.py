"""A filter of system calls, by which a Linux process gives some up for good.

The calls end in EPERM, in all that the process starts too. Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence

from exallm.local.udf.kernel import checked, prctl, refuse_new_privileges

_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
# Instructions of the kernel's filter machine.
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_X32 = 0x40000000  # the other numbers of calls on x86-64

# Architecture as the kernel writes it, and the numbers of its calls.
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "ptrace": 101,
            "setpgid": 109,
            "setsid": 112,
            "socket": 41,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "ptrace": 117,
            "setpgid": 154,
            "setsid": 157,
            "socket": 198,
        },
    ),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def has_seccomp() -> bool:
    """Whether this machine takes the filters of this module."""
    if sys.platform != "linux" or os.uname().machine not in _ARCHITECTURES:
        return False
    # A filter at no address: a kernel that knows filters complains of the address.
    return prctl(_SET_SECCOMP, _FILTER, None) == -errno.EFAULT


def refuse_calls(names: Sequence[str]) -> None:
    """Give up system calls, in this thread and what it starts.

    :param names: of ``socket``, ``setsid``, ``setpgid``, ``ptrace`` and so on.
    :raises OSError: if the kernel refuses.
    """
    architecture, numbers = _ARCHITECTURES[os.uname().machine]
    program = _filter(architecture, [numbers[name] for name in names])
    pointer = ctypes.byref(_Program(len(program) // 8, program))
    refuse_new_privileges()
    checked(prctl(_SET_SECCOMP, _FILTER, pointer), "seccomp")


def _filter(architecture: int, numbers: Sequence[int]) -> bytes:
    """Refuse the numbers, and every call of another architecture; allow the rest."""
    tests = [
        (_JUMP_IF_AT_LEAST, _X32),
        *((_JUMP_IF_EQUAL, number) for number in numbers),
    ]
    instructions = [
        _instruction(_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, 0, len(tests) + 2, architecture),
        _instruction(_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    for place, (kind, value) in enumerate(tests):
        instructions.append(_instruction(kind, len(tests) - place, 0, value))
    instructions += [_instruction(_RETURN, 0, 0, _ALLOW), _instruction(_RETURN, 0, 0, _REFUSE)]
    return b"".join(instructions)


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
