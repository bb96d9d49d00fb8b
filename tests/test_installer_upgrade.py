"""exallm upgrade: from what the first release left, and over what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exallm.installer import install as install_module
from exallm.installer import upgrade as upgrade_module
from exallm.installer.install import Plan, Step
from exallm.installer.made_objects import MadeObject, made_objects
from exallm.installer.sql_files import SqlFile, split_statements, sql_files
from exallm.installer.upgrade import apply_upgrade, plan_upgrade, table_rows
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError
from tests.command_line import exallm, outcome
from tests.engine_harness import target_on
from tests.registry_harness import InstalledRegistry
from tests.test_registry_migration import make_v001

OLD = "UPGRADED"


@pytest.fixture
def old(registry_engine: EngineHome) -> Any:
    """A session on a schema that V001 alone has made and filled; dropped after the test."""
    make_v001(registry_engine, OLD)
    target = target_on(registry_engine, OLD)
    with target.database.connect() as connection:
        yield InstalledRegistry(target, connection, registry_engine.buckets_root)
        connection.rollback()
        connection.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")
        connection.commit()


def test_the_first_schema_moves_forward_and_keeps_every_row(
    old: InstalledRegistry, registry_engine: EngineHome
) -> None:
    before = table_rows(old.connection, OLD)
    versions = old.rows("SELECT * FROM {s}.MODEL_VERSIONS ORDER BY MODEL_VERSION")
    history = (
        "SELECT MODEL, ALIAS_NAME, FROM_VERSION, TO_VERSION, REASON, CHANGED_AT, CHANGED_BY"
        " FROM {s}.ALIAS_HISTORY ORDER BY CHANGED_AT"
    )
    changes = old.rows(history)
    old.connection.commit()
    done = outcome(registry_engine, "upgrade", "--schema", OLD)
    assert done["migrations"] == [file.name for file in sql_files("migrations")][1:]
    assert {table: done["rows"][table] for table in before} == before | {
        "MIGRATIONS": len(sql_files("migrations"))
    }
    assert old.rows("SELECT * FROM {s}.MODEL_VERSIONS ORDER BY MODEL_VERSION") == versions
    assert old.rows(history) == changes
    assert old.champion() == 3
    objects = old.rows(
        f"SELECT OBJECT_TYPE, OBJECT_NAME FROM EXA_ALL_OBJECTS WHERE ROOT_NAME = '{OLD}'"
    )
    assert {MadeObject(kind, name) for kind, name in objects} == made_objects()
    again = outcome(registry_engine, "upgrade", "--schema", OLD)
    assert again == {"migrations": [], "rows": done["rows"]}


def test_a_dry_run_prints_what_is_pending_and_changes_nothing(
    old: InstalledRegistry, registry_engine: EngineHome
) -> None:
    done = exallm(registry_engine, "upgrade", "--local", "--schema", OLD, "--dry-run")
    assert done.returncode == 0, done.stderr
    created = [sql for sql in split_statements(done.stdout) if sql.startswith("CREATE TABLE")]
    assert any("VERSION_STATES" in sql for sql in created)
    assert not any("REGISTRY_LOCK" in sql for sql in created)
    assert old.rows("SELECT COUNT(*) FROM {s}.MIGRATIONS") == [(1,)]


def test_a_failure_leaves_the_first_schema_as_it_was(
    old: InstalledRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sql_files
    broken = SqlFile("R__zz_broken.sql", "SELECT * FROM NO_SUCH_TABLE;\n")
    monkeypatch.setattr(
        install_module,
        "sql_files",
        lambda folder: whole(folder) + ([broken] if folder == "routines" else []),
    )
    before = table_rows(old.connection, OLD)
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-1: the database refused SELECT"):
        apply_upgrade(
            old.connection, old.target, plan_upgrade(old.connection, old.target), lambda step: None
        )
    old.connection.rollback()
    assert table_rows(old.connection, OLD) == before


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("DELETE FROM MODEL_ALIASES WHERE ALIAS_NAME = 'challenger'", "MODEL_ALIASES had 2 rows"),
        ("DROP TABLE ALIAS_HISTORY", "ALIAS_HISTORY had 4 rows and would have 0"),
    ],
)
def test_a_plan_that_loses_rows_is_undone(
    old: InstalledRegistry, statement: str, lost: str
) -> None:
    plan = plan_upgrade(old.connection, old.target)
    harmful = Plan((*plan.steps, Step("V004__harmful.sql", statement)), plan.migrations)
    with pytest.raises(ExallmError, match=f"E-EXALLM-DEPLOY-16: {lost}"):
        apply_upgrade(old.connection, old.target, harmful, lambda step: None)


def test_what_is_not_installed_cannot_be_upgraded(registry_engine: EngineHome) -> None:
    done = exallm(registry_engine, "upgrade", "--local", "--schema", "NOWHERE")
    assert done.returncode == 1
    assert done.stderr == (
        "E-EXALLM-DEPLOY-15: exallm is not installed in the schema NOWHERE; name its schema with"
        " --schema, or run exallm install\n"
    )


def test_an_edited_and_a_later_migration_are_refused(
    old: InstalledRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sql_files
    monkeypatch.setattr(
        install_module,
        "sql_files",
        lambda folder: [replace(file, text=file.text + "\n-- edited") for file in whole(folder)],
    )
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-8: the migration V001__registry"):
        upgrade_module.plan_upgrade(old.connection, old.target)
    monkeypatch.setattr(install_module, "sql_files", whole)
    old.run("INSERT INTO {s}.MIGRATIONS VALUES ('V999__later.sql', 'x', CURRENT_TIMESTAMP, 'SYS')")
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-9: the migration V999__later"):
        upgrade_module.plan_upgrade(old.connection, old.target)


def test_the_files_of_sql_run_by_hand_one_after_the_other(
    install_registry: Callable[[str], InstalledRegistry], registry_engine: EngineHome
) -> None:
    """In the order that the page for DBAs names, without the installer."""
    with target_on(registry_engine, "BY_HAND").database.connect() as connection:
        connection.execute("CREATE SCHEMA BY_HAND")
        connection.execute("OPEN SCHEMA BY_HAND")
        for file in sql_files("migrations"):
            for statement in file.statements():
                connection.execute(statement)
            connection.execute(
                f"INSERT INTO MIGRATIONS VALUES ('{file.name}', '{file.sha256}',"
                " CURRENT_TIMESTAMP, CURRENT_USER)"
            )
        for folder in ("udfs", "routines"):
            for file in sql_files(folder):
                for statement in file.statements():
                    connection.execute(statement)
        connection.execute("EXECUTE SCRIPT REFRESH_REGISTRY")
        connection.execute("EXECUTE SCRIPT APPLY_GRANTS")
        connection.commit()
    installed = install_registry("BY_HAND")
    assert outcome(registry_engine, "doctor", "--schema", "BY_HAND")["failed"] == 0
    installed.add(1)
    assert installed.champion() == 1
