"""The script CONTAINER_REPORT."""

from __future__ import annotations

from typing import Any

from exallm_udfs.container_report import report_text


class ContainerReport:
    """One row a node: its id, and what its container says of itself.

    :param exa: the runtime's ``exa``.
    """

    def __init__(self, exa: Any) -> None:
        self._node = int(exa.meta.node_id)

    def run(self, ctx: Any) -> None:
        """Emit the report once, however many rows the group has."""
        ctx.emit(self._node, report_text())
