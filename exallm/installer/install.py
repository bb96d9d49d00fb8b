"""The installer: ``sql/`` into a database, in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyexasol

from exallm.installer.script_languages import (
    SESSION,
    SYSTEM,
    activate,
    activation_statement,
    alias_url,
    script_languages,
    without_alias,
)
from exallm.installer.sql_files import SqlFile, sql_files
from exallm.installer.statements import run, value
from exallm.installer.target import Target
from exallm.local.udf.container import BUILTIN
from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.function_body import ACCELERATOR

_LANGUAGE = re.compile(r"(CREATE OR REPLACE )PYTHON3_EXALLM( (?:SCALAR|SET) SCRIPT )")
_BODY = re.compile(r" AS$", re.M)
_RUNS_A_MODEL = re.compile(
    r"^from exallm_udfs\.functions\.(?:ai_answer|ai_complete|inference) ", re.M
)


@dataclass(frozen=True)
class Step:
    """One statement of an installation, with the file that it comes from."""

    source: str
    sql: str


@dataclass(frozen=True)
class Plan:
    """What an installation does.

    :param steps: statements in order.
    :param migrations: the migrations that are new to the database.
    """

    steps: tuple[Step, ...]
    migrations: tuple[str, ...]


def plan_install(connection: pyexasol.ExaConnection, target: Target) -> Plan:
    """What is to be done; reads the database and changes nothing.

    :raises ExallmError: E-EXALLM-DEPLOY-8 for a migration that was edited after it had run,
        E-EXALLM-DEPLOY-9 for a database that a later exallm has installed.
    """
    applied = applied_migrations(connection, target.schema)
    migrations = sql_files("migrations")
    check_applied(applied, migrations)
    pending = [file for file in migrations if file.name not in applied]
    schema = quote_identifier(target.schema)
    steps = [
        Step("schema", f"CREATE SCHEMA IF NOT EXISTS {schema}"),
        Step("schema", f"OPEN SCHEMA {schema}"),
    ]
    for file in pending:
        steps += [Step(file.name, sql) for sql in file.statements()]
        steps.append(Step(file.name, _record(file)))
    for file in sql_files("udfs"):
        steps += [
            Step(file.name, in_language(sql, target.language, _accelerator(sql, target)))
            for sql in file.statements()
        ]
    for file in sql_files("routines"):
        steps += [Step(file.name, sql) for sql in file.statements()]
    steps.append(Step("registry", "EXECUTE SCRIPT REFRESH_REGISTRY"))
    steps.append(Step("grants", "EXECUTE SCRIPT APPLY_GRANTS"))
    return Plan(tuple(steps), tuple(file.name for file in pending))


def apply_plan(
    connection: pyexasol.ExaConnection, plan: Plan, progress: Callable[[Step], None]
) -> None:
    """Run a plan in the connection's transaction, which the caller commits or rolls back."""
    for step in plan.steps:
        progress(step)
        run(connection, step.sql)


def in_language(sql: str, language: str, accelerator: str | None) -> str:
    """A CREATE SCRIPT of ``sql/udfs`` under another alias; other statements as they are.

    :param accelerator: what the script asks for in ``%perInstanceRequiredAcceleratorDevices``.
    """
    moved = _LANGUAGE.sub(rf"\g<1>{quote_identifier(language)}\g<2>", sql)
    if accelerator is None:
        return moved
    option = ACCELERATOR.format(device=accelerator).rstrip()
    return _BODY.sub(f" AS\n{option}", moved, count=1)


def _accelerator(sql: str, target: Target) -> str | None:
    return target.accelerator if _RUNS_A_MODEL.search(sql) else None


def require_language(connection: pyexasol.ExaConnection, language: str) -> None:
    """:raises ExallmError: E-EXALLM-SLC-1 where no container has this alias."""
    if alias_url(script_languages(connection, SESSION), language) is None:
        raise ExallmError(
            "E-EXALLM-SLC-1",
            f"the script language {language} is not active in this database",
            "deploy exallm's container with exallm slc deploy, or name another "
            "one with --language-alias",
        )


def activate_local_language(connection: pyexasol.ExaConnection, language: str) -> None:
    """On the embedded engine an alias without a container is the engine's own Python."""
    if alias_url(script_languages(connection, SYSTEM), language) is None:
        activate(connection, SYSTEM, language, BUILTIN)


def deactivate_local_language(connection: pyexasol.ExaConnection, language: str) -> None:
    """Undo :func:`activate_local_language` once no script has the language any more."""
    used = value(
        connection,
        f"SELECT COUNT(*) FROM EXA_ALL_SCRIPTS WHERE SCRIPT_LANGUAGE = {quote_text(language)}",
    )
    languages = script_languages(connection, SYSTEM)
    if not used and alias_url(languages, language) == BUILTIN:
        kept = without_alias(languages, language)
        run(connection, activation_statement(kept, SYSTEM))


def applied_migrations(connection: pyexasol.ExaConnection, schema: str) -> dict[str, str]:
    """Name to sha256 of the migrations that have run."""
    found = value(
        connection,
        "SELECT COUNT(*) FROM EXA_ALL_TABLES WHERE TABLE_NAME = 'MIGRATIONS'"
        f" AND TABLE_SCHEMA = {quote_text(schema)}",
    )
    if not found:
        return {}
    table = f"{quote_identifier(schema)}.MIGRATIONS"
    return dict(run(connection, f"SELECT MIGRATION, SHA256 FROM {table}"))


def check_applied(applied: dict[str, str], files: list[SqlFile]) -> None:
    """Compare the migrations that have run with the files.

    :raises ExallmError: E-EXALLM-DEPLOY-8 and -9, as :func:`plan_install`.
    """
    known = {file.name: file.sha256 for file in files}
    for name, sha256 in applied.items():
        if name not in known:
            raise ExallmError(
                "E-EXALLM-DEPLOY-9",
                f"the migration {name} of this schema is unknown here",
                "install with the exallm version that has it, or a later one",
            )
        if known[name] != sha256:
            raise ExallmError(
                "E-EXALLM-DEPLOY-8",
                f"the migration {name} differs from the one that has run here",
                "restore the file: a migration never changes, a new one follows it",
            )


def _record(file: SqlFile) -> str:
    values = f"{quote_text(file.name)}, {quote_text(file.sha256)}"
    return f"INSERT INTO MIGRATIONS VALUES ({values}, CURRENT_TIMESTAMP, CURRENT_USER)"
