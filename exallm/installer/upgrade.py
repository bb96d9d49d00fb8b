"""Moves an installation to the schema of this exallm, with all that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyexasol

from exallm.installer.install import Plan, Step, applied_migrations, apply_plan, plan_install
from exallm.installer.statements import run, value
from exallm.installer.target import Target
from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.errors import ExallmError


def require_installed(connection: pyexasol.ExaConnection, schema: str) -> dict[str, str]:
    """Name to sha256 of the migrations that have run in a schema.

    :raises ExallmError: E-EXALLM-DEPLOY-15 where exallm is not installed in it.
    """
    applied = applied_migrations(connection, schema)
    if not applied:
        raise ExallmError(
            "E-EXALLM-DEPLOY-15",
            f"exallm is not installed in the schema {schema}",
            "name its schema with --schema, or run exallm install",
        )
    return applied


def plan_upgrade(connection: pyexasol.ExaConnection, target: Target) -> Plan:
    """What is to be done; reads the database and changes nothing.

    :raises ExallmError: E-EXALLM-DEPLOY-15 where there is nothing to upgrade, -8 and -9 for
        migrations that are not those of this exallm.
    """
    require_installed(connection, target.schema)
    return plan_install(connection, target)


def apply_upgrade(
    connection: pyexasol.ExaConnection,
    target: Target,
    plan: Plan,
    progress: Callable[[Step], None],
) -> Mapping[str, int]:
    """Run a plan in the connection's transaction, which the caller commits or rolls back.

    :returns: table to rows of all tables in the schema.
    :raises ExallmError: E-EXALLM-DEPLOY-16 where a table has fewer rows than before.
    """
    before = table_rows(connection, target.schema)
    apply_plan(connection, plan, progress)
    after = table_rows(connection, target.schema)
    for table, rows in before.items():
        if after.get(table, 0) < rows:
            raise ExallmError(
                "E-EXALLM-DEPLOY-16",
                f"{table} had {rows} rows and would have {after.get(table, 0)}",
                "the upgrade was undone: report this, with the versions of both sides",
            )
    return after


def table_rows(connection: pyexasol.ExaConnection, schema: str) -> dict[str, int]:
    """Table to rows of a schema, by name."""
    tables = run(
        connection,
        f"SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = {quote_text(schema)}"
        " ORDER BY TABLE_NAME",
    )
    return {
        name: int(
            value(
                connection,
                f"SELECT COUNT(*) FROM {quote_identifier(schema)}.{quote_identifier(name)}",
            )
        )
        for (name,) in tables
    }
