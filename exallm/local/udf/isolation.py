"""What a UDF process may reach, as the engine plans it for the process that it starts.

The plan is carried out by :mod:`exallm.local.udf.confined_start` before any line of a script, of
its variables or of what these load has run.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TASK_LIMIT = 512

_SYSTEM = (
    "/bin", "/etc", "/lib", "/lib32", "/lib64", "/nix/store", "/opt", "/proc", "/sbin", "/sys",
    "/usr",
)  # fmt: skip
_DEVICES = (
    "/dev/dri", "/dev/full", "/dev/kfd", "/dev/null", "/dev/random", "/dev/shm", "/dev/urandom",
    "/dev/zero",
)  # fmt: skip
# systemd keeps the addresses of name servers there.
_NAME_SERVERS = ("/run/systemd/resolve",)


@dataclass(frozen=True)
class Isolation:
    """What UDF processes may reach beyond ``/buckets``, the system and Python's own files.

    :param network: whether they may open sockets.
    :param private: a folder that none of them may read, even where modules lie around it.
    :param writable: folders that they may write to, beside a temporary one of their own.
    :param task_limit: processes and threads that a process may have in all with those it starts.
    """

    network: bool = False
    private: Path | None = None
    writable: tuple[Path, ...] = ()
    task_limit: int = TASK_LIMIT


def start_command(
    command: Sequence[str],
    variables: dict[str, str],
    isolation: Isolation,
    buckets_root: Path,
    own_folder: Path,
) -> list[str]:
    """The command that confines a process and then becomes another one.

    :param command: what it becomes; its first part is a path to Python.
    :param variables: the environment of what it becomes.
    :param own_folder: the process's temporary folder.
    """
    python = Path(command[0])
    roots = [
        *map(Path, _SYSTEM),
        *(map(Path, _NAME_SERVERS) if isolation.network else ()),
        # Of a virtual environment, and of the Python that it was made from.
        *(place.parent.parent for place in (python.absolute(), python.resolve())),
        *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")),
        *(Path(entry).absolute() for entry in sys.path),
        *map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep))),
    ]
    readable, listable = _around(roots, isolation.private)
    plan = {
        "readable": [*readable, str(buckets_root.resolve())],
        "listable": listable,
        "writable": [str(own_folder), *(str(folder.resolve()) for folder in isolation.writable)],
        "devices": [*_DEVICES, *map(str, Path("/dev").glob("nvidia*"))],
        "network": isolation.network,
        "task_limit": isolation.task_limit,
        "variables": variables,
    }
    package = str(Path(__file__).parents[3])
    program = (
        f"import sys; sys.path.append({package!r}); "
        "from exallm.local.udf.confined_start import main; main(sys.argv[1:])"
    )
    # -I and -S: nothing of the script's variables or of a site may run before.
    return [command[0], "-I", "-S", "-c", program, json.dumps(plan), *command]


def _around(roots: Iterable[Path], private: Path | None) -> tuple[list[str], list[str]]:
    """The places whose files may be read, and folders that only need to be listed."""
    hidden = None if private is None else private.resolve()
    readable: dict[str, None] = {}
    listable: dict[str, None] = {}
    for root in roots:
        place = root.resolve()
        if not place.exists() or place == place.parent:
            continue  # the whole machine is never a place of modules
        if hidden is None or not _is_within(hidden, place):
            readable[str(place)] = None
            continue
        listable[str(place)] = None
        readable.update(dict.fromkeys(map(str, _beside(place, hidden))))
    return list(readable), list(listable)


def _beside(folder: Path, hidden: Path) -> Iterator[Path]:
    """Everything in a folder that does not hold what is hidden."""
    if folder == hidden:
        return
    for entry in sorted(folder.iterdir()):
        if not _is_within(hidden, entry):
            yield entry
        elif entry != hidden:
            yield from _beside(entry, hidden)


def _is_within(place: Path, folder: Path) -> bool:
    return place == folder or folder in place.parents
