"""What a call of RUN_BATCH asks for: what ``READ_RUN`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.run_settings import RunSettings
from exallm_udfs.source_query import check_source_query
from exallm_udfs.table_name import TableName

FUNCTIONS = ("AI_ANSWER", "AI_COMPLETE", "GPT2_INFERENCE")
PROBLEM_LIMIT = 2000
_VALUES = 14


class ReadRun:
    """A scalar function of ``function_name, source_query, target_table, settings``."""

    def run(self, ctx: Any) -> None:
        """Emit one row: the parts of the call, or the problem with its code and all else None."""
        try:
            ctx.emit(*_read(ctx), None)
        except ExallmError as error:
            ctx.emit(*[None] * _VALUES, str(error)[:PROBLEM_LIMIT])


def _read(ctx: Any) -> tuple[str | int | float | bool | None, ...]:
    name = str(ctx.function_name).upper()
    if name not in FUNCTIONS:
        raise ExallmError(
            "E-EXALLM-SQL-10",
            f"{str(ctx.function_name)[:80]!r} has no batches",
            f"use {', '.join(FUNCTIONS)}",
        )
    check_source_query(ctx.source_query or "")
    target = TableName.parse(ctx.target_table or "")
    settings = RunSettings.parse(ctx.settings)
    return (
        name,
        target.schema,
        target.name,
        settings.model.model,
        settings.model.alias,
        settings.model.version,
        settings.options,
        settings.chunk_rows,
        settings.budget.rows,
        settings.budget.tokens,
        settings.budget.seconds,
        settings.on_budget == "stop",
        settings.retry_errors,
        settings.dry_run,
    )
