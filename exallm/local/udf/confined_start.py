"""Gives up what a UDF process may not reach, then becomes the process.

``main([plan, python, ...])``: the plan is a JSON object of :mod:`exallm.local.udf.isolation`. What
the kernel has no means for is left out: ``protections()`` says what that is. Standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from exallm.local.udf.kernel import drop_capabilities
from exallm.local.udf.landlock import READ, READ_DIR, WRITE, landlock_version, restrict
from exallm.local.udf.seccomp import has_seccomp, refuse_calls

# Leaving the process group would outlive the statement; the others reach into other processes or
# go around the filter.
_NEVER = (
    "io_uring_setup", "pidfd_getfd", "process_vm_readv", "process_vm_writev", "ptrace", "setpgid",
    "setsid",
)  # fmt: skip
_SIGNALS_SINCE = 6


def protections() -> dict[str, bool]:
    """What this machine has the means for: ``files``, ``network``, ``signals``, ``limits``."""
    version = landlock_version()
    return {
        "files": version > 0,
        "network": has_seccomp(),
        "signals": version >= _SIGNALS_SINCE,
        "limits": sys.platform == "linux",
    }


def main(arguments: Sequence[str]) -> None:
    """Carry out the plan and become the command.

    :raises OSError: if the kernel refuses what it has the means for; nothing else runs then.
    """
    plan, command = json.loads(arguments[0]), list(arguments[1:])
    _limit_resources(plan["task_limit"])
    if sys.platform == "linux" and os.getuid() == 0:
        drop_capabilities()  # with some of them, root may look into any process
    version = landlock_version()
    if version:
        restrict(version, _grants(plan), plan["network"])
    if has_seccomp():
        refuse_calls(_NEVER if plan["network"] else (*_NEVER, "socket"))
    os.execve(command[0], command, plan["variables"])


def _grants(plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, rights in (
        ("readable", READ),
        ("listable", READ_DIR),
        ("writable", WRITE),
        ("devices", WRITE),
    ):
        for path in plan[name]:
            yield path, rights


def _limit_resources(task_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    # The limit counts all tasks of this user, so those that are there already come on top. The
    # kernel does not hold root to it: the engine counts too.
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    wanted = _tasks_of_user() + task_limit
    if most == resource.RLIM_INFINITY or wanted < most:
        resource.setrlimit(resource.RLIMIT_NPROC, (wanted, wanted))
    # Where memory runs out, the kernel is to take this process and not the engine.
    Path("/proc/self/oom_score_adj").write_text("1000")


def _tasks_of_user() -> int:
    """The threads of all processes of this user."""
    tasks = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found = (entry / "task").stat()
            except FileNotFoundError:
                continue  # it has just ended
            if found.st_uid == os.getuid():
                tasks += found.st_nlink - 2
    return tasks
