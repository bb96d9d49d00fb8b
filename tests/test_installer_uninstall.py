"""exallm uninstall: what goes, and what the DBA keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from exallm.installer.uninstall import UninstallRequest, plan_uninstall, uninstall
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError
from tests.command_line import exallm, outcome
from tests.engine_harness import started_engine, target_on
from tests.registry_harness import InstalledRegistry

OBJECTS = "SELECT OBJECT_TYPE, ROOT_NAME, OBJECT_NAME, OWNER FROM EXA_ALL_OBJECTS ORDER BY 1, 2, 3"
# All that an installation could leave anywhere.
EVERYTHING = (
    OBJECTS,
    "SELECT USER_NAME FROM EXA_ALL_USERS ORDER BY 1",
    "SELECT ROLE_NAME FROM EXA_ALL_ROLES ORDER BY 1",
    "SELECT GRANTEE, PRIVILEGE FROM EXA_DBA_SYS_PRIVS ORDER BY 1, 2",
    "SELECT GRANTEE, GRANTED_ROLE FROM EXA_DBA_ROLE_PRIVS ORDER BY 1, 2",
    "SELECT GRANTEE, PRIVILEGE, OBJECT_NAME FROM EXA_DBA_OBJ_PRIVS ORDER BY 1, 2, 3",
    "SELECT PARAMETER_NAME, SYSTEM_VALUE FROM EXA_PARAMETERS ORDER BY 1",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    with started_engine(tmp_path_factory.mktemp("uninstall"), workers=2) as home:
        yield home


@pytest.fixture
def connection(home: EngineHome) -> Iterator[Any]:
    """A session of SYS beside a schema of analysts, which is not exallm's business."""
    with target_on(home).database.connect() as connection:
        connection.set_autocommit(True)
        connection.execute("CREATE SCHEMA SALES")
        connection.execute("CREATE TABLE SALES.MAILS (ID INT)")
        yield connection
        connection.execute("DROP SCHEMA IF EXISTS EXALLM CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS EXALLM_TWO CASCADE")
        connection.execute("DROP SCHEMA SALES CASCADE")
        for role in ("ADMIN", "OPERATOR", "USER"):
            connection.execute(f"DROP ROLE IF EXISTS EXALLM_{role}")


def snapshot(connection: Any) -> list[Any]:
    return [connection.execute(query).fetchall() for query in EVERYTHING]


def install(home: EngineHome, connection: Any, schema: str = "EXALLM") -> InstalledRegistry:
    """An installation with a model, two functions, and what a killed batch run leaves."""
    outcome(home, "install", "--model", "none", "--schema", schema)
    installed = InstalledRegistry(target_on(home, schema), connection, home.buckets_root)
    installed.add(1)
    return installed


def fill(installed: InstalledRegistry) -> None:
    for name in ("ASK", "MINE"):
        installed.call("CREATE_FUNCTION", "SALES", name, "qa", "answer")
    installed.run(
        "CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT SALES.MINE () RETURNS INT AS\n"
        "def run(ctx): return 7\n"
    )
    installed.run(
        "INSERT INTO {s}.RUNS SELECT 'r', 'AI_ANSWER', 'answer', 'qa', 1, 'x', 'SELECT 1', 'x',"
        " 'SALES', 'ANSWERS', '{}', 'x', 1, FALSE, NULL, NULL, NULL, 1, 1, 0, 0, 0, 0, 0,"
        " 'RUNNING', NULL, CURRENT_TIMESTAMP, 'SYS', NULL, 1 FROM DUAL"
    )
    (digest,) = installed.rows("SELECT UPPER(SUBSTR(HASH_MD5('ANSWERS'), 1, 16)) FROM DUAL")[0]
    installed.run(f"CREATE TABLE SALES.EXALLM_PENDING_{digest} (PLACE INT)")
    installed.run("CREATE TABLE SALES.ANSWERS (ROW_ID INT)")
    installed.run("CREATE TABLE {s}.NOTES (A INT)")


def files(home: EngineHome) -> list[str]:
    root = home.buckets_root / "bfsdefault" / "default"
    return sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())


def test_nothing_is_left_behind(home: EngineHome, connection: Any) -> None:
    before = snapshot(connection)
    kept = home.buckets_root / "bfsdefault" / "default" / "other.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("not exallm's")
    fill(install(home, connection))
    assert len(files(home)) == 3
    done = outcome(home, "uninstall", "--yes")
    assert done == {
        "schema": "EXALLM",
        "tables_kept": False,
        "functions": ["SALES.ASK", "SALES.MINE"],
        "roles": ["EXALLM_ADMIN", "EXALLM_OPERATOR", "EXALLM_USER"],
        "packages": ["/buckets/bfsdefault/default/exallm/models/qa/v1"],
        "elsewhere": [],
    }
    # What took the place of a function, and what a run has filled, are the analysts' own. The
    # language stays for the script that still has it.
    connection.execute("DROP SCRIPT SALES.MINE")
    connection.execute("DROP TABLE SALES.ANSWERS")
    connection.execute("ALTER SYSTEM SET SCRIPT_LANGUAGES = 'PYTHON3=builtin_python3'")
    assert snapshot(connection) == before
    assert files(home) == ["other.txt"]
    again = exallm(home, "uninstall", "--local", "--yes")
    assert again.returncode == 1
    assert again.stderr.startswith("E-EXALLM-DEPLOY-15: ")
    kept.unlink()


def test_the_language_goes_with_the_last_script_that_has_it(
    home: EngineHome, connection: Any
) -> None:
    before = snapshot(connection)
    install(home, connection)
    outcome(home, "uninstall", "--yes")
    assert snapshot(connection) == before


def test_tables_and_files_stay_where_they_are_kept(home: EngineHome, connection: Any) -> None:
    installed = install(home, connection)
    fill(installed)
    history = installed.history()
    done = outcome(home, "uninstall", "--yes", "--keep-tables", "--keep-files")
    assert done["tables_kept"]
    assert done["roles"] == done["packages"] == []
    assert len(files(home)) == 2
    left = {kind for kind, root, *_ in connection.execute(OBJECTS) if root == "EXALLM"}
    assert left == {"TABLE"}
    assert installed.history() == history
    outcome(home, "install", "--model", "none")
    assert installed.champion() == 1
    outcome(home, "uninstall", "--yes")
    assert files(home) == []


def test_what_another_installation_needs_stays(home: EngineHome, connection: Any) -> None:
    install(home, connection)
    other = install(home, connection, "EXALLM_TWO")
    done = outcome(home, "uninstall", "--yes")
    assert done["roles"] == done["packages"] == []
    assert done["elsewhere"] == ["/buckets/bfsdefault/default/exallm/models/qa/v1"]
    assert other.champion() == 1
    assert outcome(home, "doctor", "--schema", "EXALLM_TWO")["failed"] == 0
    done = outcome(home, "uninstall", "--yes", "--schema", "EXALLM_TWO")
    assert len(done["roles"]) == 3
    assert len(done["packages"]) == 1


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_changes(home: EngineHome, connection: Any, answer: str) -> None:
    fill(install(home, connection))
    before = snapshot(connection)
    done = exallm(home, "uninstall", "--local", answer=answer)
    assert done.returncode in (1, 130)
    assert done.stdout == ""
    for words in (
        "not made by exallm, goes with the schema: NOTES",
        "function: SALES.ASK",
        "package: /buckets/bfsdefault/default/exallm/models/qa/v1",
    ):
        assert words in done.stderr
    assert snapshot(connection) == before
    assert len(files(home)) == 2


def test_an_earlier_schema_is_upgraded_first(home: EngineHome, connection: Any) -> None:
    installed = install(home, connection)
    installed.run("DELETE FROM {s}.MIGRATIONS WHERE MIGRATION LIKE 'V003%'")
    done = exallm(home, "uninstall", "--local", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("E-EXALLM-DEPLOY-17: the schema EXALLM is of an earlier exallm")
    assert installed.champion() == 1


def test_files_that_cannot_go_are_named(home: EngineHome, connection: Any) -> None:
    installed = install(home, connection)
    locked = replace(
        installed.target, bucket=replace(installed.target.bucket, password="not-the-password")
    )
    with pytest.raises(ExallmError, match=r"E-EXALLM-DEPLOY-6: BucketFS at .* refused: status 40"):
        plan_uninstall(connection, locked, UninstallRequest())
    plan = plan_uninstall(connection, installed.target, UninstallRequest())
    connection.set_autocommit(False)
    with pytest.raises(ExallmError) as caught:
        uninstall(connection, locked, plan, lambda step: None)
    connection.set_autocommit(True)
    assert caught.value.code == "E-EXALLM-DEPLOY-18"
    assert caught.value.remedy == "remove /buckets/bfsdefault/default/exallm/models/qa/v1"
    assert connection.execute(OBJECTS).fetchall() == [
        ("SCHEMA", None, "SALES", "SYS"),
        ("TABLE", "SALES", "MAILS", "SYS"),
    ]
    assert len(files(home)) == 2
