"""The installer on the embedded engine, over the wire with the real clients."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.installer import install as install_module
from exallm.installer.install import (
    activate_local_language,
    apply_plan,
    plan_install,
    require_language,
)
from exallm.installer.sql_files import SqlFile, sql_files
from exallm.installer.target import Target, secret
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError
from exallm_udfs.registry import Registry
from tests.engine_harness import started_engine, target_on

SCHEMA = "EXALLM"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[EngineHome]:
    with started_engine(tmp_path, workers=2) as home:
        yield home


@pytest.fixture
def target(home: EngineHome) -> Target:
    return target_on(home, SCHEMA)


@pytest.fixture
def connection(target: Target) -> Iterator[pyexasol.ExaConnection]:
    with target.database.connect() as connection:
        yield connection


def install(connection: Any, target: Target) -> None:
    activate_local_language(connection, target.language)
    apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.commit()


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(sql).fetchall())


def objects(connection: Any) -> list[tuple[Any, ...]]:
    return rows(
        connection,
        "SELECT OBJECT_TYPE, ROOT_NAME, OBJECT_NAME FROM EXA_ALL_OBJECTS ORDER BY 1, 2, 3",
    )


def snapshot(connection: Any) -> list[list[tuple[Any, ...]]]:
    """All that an installation makes, but the time of the last lock."""
    tables = ("MIGRATIONS", "MODELS", "MODEL_VERSIONS", "MODEL_ALIASES", "ALIAS_HISTORY")
    contents = [rows(connection, f"SELECT * FROM EXALLM.{table}") for table in tables]
    scripts = rows(
        connection,
        "SELECT SCRIPT_NAME, SCRIPT_TEXT, SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS ORDER BY 1",
    )
    return [objects(connection), *contents, scripts]


def test_an_installation_makes_every_object_with_its_comment(
    connection: pyexasol.ExaConnection, target: Target
) -> None:
    install(connection, target)
    assert rows(connection, "SELECT MIGRATION, SHA256, APPLIED_BY FROM EXALLM.MIGRATIONS") == [
        (file.name, file.sha256, "SYS") for file in sql_files("migrations")
    ]
    scripts = rows(connection, "SELECT SCRIPT_NAME, SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS")
    assert {"GPT2_INFERENCE", "REGISTER_MODEL", "REGISTRY"} <= {name for name, _ in scripts}
    assert all(comment for _, comment in scripts)
    assert all(
        comment for (comment,) in rows(connection, "SELECT TABLE_COMMENT FROM EXA_ALL_TABLES")
    )
    assert rows(connection, "SELECT COUNT(*), COUNT(DISTINCT SEED) FROM EXALLM.NODE_SEED") == [
        (1000, 1000)
    ]


def test_the_compiled_registry_is_empty_at_first(
    connection: pyexasol.ExaConnection, target: Target
) -> None:
    install(connection, target)
    (text,) = rows(connection, "SELECT EXALLM.REGISTRY()")[0]
    assert Registry.decode(text) == Registry.decode(Registry.decode(text).encode())
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-3"):
        from exallm_udfs.names import ModelReference

        Registry.decode(text).resolve(ModelReference.parse("qa"))


def test_a_second_installation_changes_nothing(
    connection: pyexasol.ExaConnection, target: Target
) -> None:
    install(connection, target)
    before = snapshot(connection)
    assert plan_install(connection, target).migrations == ()
    install(connection, target)
    assert snapshot(connection) == before


def test_a_failure_in_the_middle_leaves_the_database_as_it_was(
    connection: pyexasol.ExaConnection, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = objects(connection)
    connection.commit()
    broken = SqlFile("R__zz_broken.sql", "SELECT * FROM NO_SUCH_TABLE;\n")
    whole = sql_files
    monkeypatch.setattr(
        install_module,
        "sql_files",
        lambda folder: whole(folder) + ([broken] if folder == "routines" else []),
    )
    activate_local_language(connection, target.language)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DEPLOY-1: the database refused SELECT"):
        apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.rollback()
    assert objects(connection) == before
    with pytest.raises(ExallmError, match="E-EXALLM-SLC-1"):
        require_language(connection, target.language)


def test_an_edited_migration_is_refused(
    connection: pyexasol.ExaConnection, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(connection, target)
    whole = sql_files

    def edited(folder: str) -> list[SqlFile]:
        return [replace(file, text=file.text + "\n-- edited") for file in whole(folder)]

    monkeypatch.setattr(install_module, "sql_files", edited)
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-8: the migration V001__registry"):
        plan_install(connection, target)


def test_a_later_schema_is_refused(connection: pyexasol.ExaConnection, target: Target) -> None:
    install(connection, target)
    connection.execute(
        "INSERT INTO EXALLM.MIGRATIONS VALUES ('V999__later.sql', 'x', CURRENT_TIMESTAMP, 'SYS')"
    )
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-9: the migration V999__later"):
        plan_install(connection, target)


def test_any_schema_name_and_language_alias_work(
    connection: pyexasol.ExaConnection, target: Target
) -> None:
    odd = replace(target, schema='my "models"; DROP', language="PYTHON3_OTHER")
    install(connection, odd)
    found = rows(
        connection,
        "SELECT SCRIPT_SCHEMA, SCRIPT_LANGUAGE FROM EXA_ALL_SCRIPTS"
        " WHERE SCRIPT_NAME = 'GPT2_INFERENCE'",
    )
    assert found == [('my "models"; DROP', "PYTHON3_OTHER")]
    (text,) = rows(connection, 'SELECT "my ""models""; DROP".REGISTRY()')[0]
    assert Registry.decode(text)


def test_activation_keeps_every_other_language(
    connection: pyexasol.ExaConnection, target: Target
) -> None:
    activate_local_language(connection, target.language)
    activate_local_language(connection, target.language)
    (languages,) = rows(
        connection,
        "SELECT SYSTEM_VALUE FROM EXA_PARAMETERS WHERE PARAMETER_NAME = 'SCRIPT_LANGUAGES'",
    )[0]
    assert languages == "PYTHON3=builtin_python3 PYTHON3_EXALLM=builtin_python3"


def test_a_wrong_password_is_one_clear_line(target: Target) -> None:
    wrong = replace(target.database, password="not-the-password")
    with pytest.raises(ExallmError) as caught:
        wrong.connect()
    message = str(caught.value)
    assert message.startswith("E-EXALLM-DEPLOY-5: no connection to 127.0.0.1:")
    assert "authentication failed" in message
    assert "not-the-password" not in message
    assert "\n" not in message


def test_bucketfs_with_a_wrong_password_is_one_clear_line(target: Target) -> None:
    from exallm.installer.models import upload
    from exallm.models.source import ModelSettings, PackageSource
    from exallm_udfs.manifest import GenerationDefaults, PromptSettings

    wrong = replace(target.bucket, password="not-the-password")
    source = PackageSource(
        Path(__file__).parent,
        (Path(__file__).name,),
        ".",
        "x",
        ModelSettings(PromptSettings("{ctx}", ()), GenerationDefaults(1), 10, "MIT"),
    )
    with pytest.raises(ExallmError) as caught:
        upload(source, "{}", wrong.path() / "x", wrong, lambda *_: None)
    assert str(caught.value).startswith("E-EXALLM-DEPLOY-6: BucketFS at http://127.0.0.1:")
    assert "status 4" in str(caught.value)
    assert "not-the-password" not in str(caught.value)


def test_secrets_come_from_the_environment_only() -> None:
    assert secret("DB_PASSWORD", {"DB_PASSWORD": "geheim"}) == "geheim"
    with pytest.raises(
        ExallmError, match="E-EXALLM-DEPLOY-7: the environment variable DB_PASSWORD"
    ):
        secret("DB_PASSWORD", {})


def test_no_repr_shows_a_password(target: Target) -> None:
    assert target.database.password not in repr(target)
    assert target.bucket.password not in repr(target)


def exallm(home: EngineHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exallm.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "EXALLM_HOME": str(home.folder.parent)},
    )


def test_a_dry_run_prints_sql_that_could_be_run_by_hand(
    home: EngineHome, connection: pyexasol.ExaConnection
) -> None:
    before = objects(connection)
    connection.commit()
    done = exallm(home, "install", "--local", "--dry-run")
    assert done.returncode == 0, done.stderr
    from exallm.installer.sql_files import split_statements

    statements = list(split_statements(done.stdout))
    assert statements[0] == 'CREATE SCHEMA IF NOT EXISTS "EXALLM"'
    assert any("SCRIPT GPT2_INFERENCE" in sql for sql in statements)
    assert objects(connection) == before


def test_bad_usage_is_exit_code_2_and_failure_exit_code_1(home: EngineHome) -> None:
    assert exallm(home, "install").returncode == 2
    assert exallm(home, "install", "--local", "--dsn", "x").returncode == 2
    failed = exallm(home, "model", "add", "no/such:source", "--local")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("E-EXALLM-")
