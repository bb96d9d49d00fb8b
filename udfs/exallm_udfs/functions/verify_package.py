"""Every byte of a package checked on the node that runs this: ``VERIFY_PACKAGE``."""

from __future__ import annotations

from typing import Any

from exallm_udfs.buckets import real_path
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import FileProblem, verify_package

COLUMN_LIMIT = 2000


class VerifyPackage:
    """A set function of ``package_path`` and ``sha256`` that EMITS node, file and problem."""

    def __init__(self, exa: Any) -> None:
        self._node_id = int(exa.meta.node_id)

    def run(self, ctx: Any) -> None:
        """Emit a row for each problem of each package in the group.

        A package that is whole and unaltered gives one row, with NULL as the problem and its own
        path. Equal rows of a group are checked once. A row with a NULL is a problem itself.
        """
        checked = set()
        while True:
            package = ctx.package_path, ctx.sha256
            if package not in checked:
                checked.add(package)
                for path, problem in _problems(*package):
                    ctx.emit(self._node_id, path, problem)
            if not ctx.next():
                break


def _problems(package_path: str | None, sha256: str | None) -> list[tuple[str | None, str | None]]:
    if package_path is None or sha256 is None:
        return [(package_path, "the package's path or its sha256 is NULL")]
    try:
        found = verify_package(real_path(package_path), sha256)
    except ExallmError as error:
        found = [FileProblem(package_path, error.problem)]
    if not found:
        return [(package_path[:COLUMN_LIMIT], None)]
    return [(item.path[:COLUMN_LIMIT], item.problem[:COLUMN_LIMIT]) for item in found]
