"""exallm doctor: what it finds, and what it says to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exallm.installer.doctor import CHECKS, FAILED, OK, SKIPPED, Finding, diagnose
from exallm.local.engine_home import EngineHome
from tests.command_line import exallm, outcome
from tests.conftest import connect_to
from tests.registry_harness import InstalledRegistry, write_package

SCHEMA = "PATIENT"


@pytest.fixture
def patient(install_registry: Callable[[str], InstalledRegistry]) -> Any:
    """A whole installation with the model qa, of versions 1 and 2, and a function on it."""
    installed = install_registry(SCHEMA)
    for version in (1, 2):
        installed.add(version)
    installed.run("CREATE SCHEMA SALES")
    installed.call("CREATE_FUNCTION", "SALES", "ASK", "qa@champion", "answer")
    yield installed
    installed.run("DROP SCHEMA SALES CASCADE")
    for version in (1, 2):
        write_package(installed.buckets, "qa", version)


def findings(installed: InstalledRegistry) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnose(installed.target)}


def failure(installed: InstalledRegistry, check: str) -> tuple[str | None, str, str | None]:
    """Code, problem and remedy of the one check that fails."""
    found = findings(installed)
    assert [name for name, finding in found.items() if finding.state == FAILED] == [check]
    return found[check].code, found[check].found, found[check].remedy


def test_a_whole_installation_passes_every_check(
    patient: InstalledRegistry, registry_engine: EngineHome
) -> None:
    report = outcome(registry_engine, "doctor", "--schema", SCHEMA)
    assert report["failed"] == 0
    assert [check["check"] for check in report["checks"]] == [
        "connection",
        *(check.name for check in CHECKS),
    ]
    assert {check["state"] for check in report["checks"]} == {OK}
    found = {check["check"]: check["found"] for check in report["checks"]}
    assert found["packages"] == "2 whole on 1 nodes"
    assert found["functions"] == "1 made by CREATE_FUNCTION, each bound to a version"
    assert found["bucketfs"] == "/buckets/bfsdefault/default/exallm/models has packages"


def test_the_table_names_what_to_do_and_the_exit_code_is_1(
    patient: InstalledRegistry, registry_engine: EngineHome
) -> None:
    patient.run("DELETE FROM {s}.MODEL_ALIASES")
    done = exallm(registry_engine, "doctor", "--local", "--schema", SCHEMA)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (place,) = (number for number, line in enumerate(lines) if line.startswith("FAILED"))
    assert lines[place] == (
        "FAILED   registry         E-EXALLM-DEPLOY-27: the compiled registry differs from the"
        " tables in qa"
    )
    assert lines[place + 1].strip() == 'EXECUTE SCRIPT "PATIENT".REFRESH_REGISTRY'
    assert lines[place + 2].split(maxsplit=2) == ["skipped", "functions", "first correct: registry"]


def test_a_changed_package_is_found(patient: InstalledRegistry) -> None:
    file = patient.buckets / "bfsdefault/default/exallm/models/qa/v2/model.gguf"
    file.write_bytes(b"GGUF, but no model X")
    code, problem, _ = failure(patient, "packages")
    assert code == "E-EXALLM-DEPLOY-25"
    assert problem == (
        "qa version 2, node 0, model.gguf: has another sha256 than the manifest says"
    )


def test_nodes_that_were_not_seen_are_counted(patient: InstalledRegistry) -> None:
    patient.run("DELETE FROM {s}.NODE_SEED")
    code, problem, _ = failure(patient, "packages")
    assert (code, problem) == ("E-EXALLM-DEPLOY-26", "qa version 1 was seen on 0 of 1 nodes")


def test_tables_that_were_changed_past_the_scripts_are_found(patient: InstalledRegistry) -> None:
    patient.run("INSERT INTO {s}.MODEL_ALIASES VALUES ('qa', 'challenger', 9)")
    code, problem, _ = failure(patient, "registry")
    assert code == "E-EXALLM-DEPLOY-27"
    assert problem.endswith("alias 'challenger' names version 9, which is not there")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DROP SCRIPT SALES.ASK", "SALES.ASK is gone, or sys may not see it"),
        (
            "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT SALES.ASK () RETURNS INT AS\n"
            "def run(ctx): return 7\n",
            "SALES.ASK was replaced by another script",
        ),
        (
            "UPDATE {s}.FUNCTIONS SET MODEL_REFERENCE = 'qa@nobody'",
            "SALES.ASK is bound to qa@nobody: model 'qa' has no alias 'nobody'",
        ),
    ],
)
def test_functions_that_have_lost_something_are_named(
    patient: InstalledRegistry, damage: str, problem: str
) -> None:
    patient.run(damage)
    assert failure(patient, "functions")[:2] == ("E-EXALLM-DEPLOY-28", problem)


def test_a_missing_script_is_named_and_upgrade_brings_it_back(
    patient: InstalledRegistry, registry_engine: EngineHome
) -> None:
    patient.run("DROP SCRIPT {s}.PROMOTE")
    code, problem, remedy = failure(patient, "objects")
    assert code == "E-EXALLM-DEPLOY-23"
    assert problem == "PATIENT lacks PROMOTE, or sys may not see it"
    assert remedy is not None and remedy.startswith("run exallm upgrade")
    outcome(registry_engine, "upgrade", "--schema", SCHEMA)
    assert findings(patient)["objects"].state == OK


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE {s}.MIGRATIONS SET SHA256 = 'x' WHERE MIGRATION LIKE 'V002%'", 8),
        ("DELETE FROM {s}.MIGRATIONS WHERE MIGRATION LIKE 'V003%'", 22),
        ("DROP TABLE {s}.MIGRATIONS", 15),
    ],
)
def test_migrations_that_are_not_the_files_are_found(
    patient: InstalledRegistry, change: str, code: int
) -> None:
    patient.run(change)
    assert failure(patient, "migrations")[0] == f"E-EXALLM-DEPLOY-{code}"
    assert findings(patient)["packages"].state == SKIPPED


def test_another_exallm_in_the_container_is_found(patient: InstalledRegistry) -> None:
    patient.run(
        "CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT {s}.FUNCTION_BODY (task VARCHAR(20),"
        " model_reference VARCHAR(200), registry_schema VARCHAR(128))"
        " RETURNS VARCHAR(2000000) AS\ndef run(ctx): return 'older'\n"
    )
    code, problem, _ = failure(patient, "udf")
    assert code == "E-EXALLM-DEPLOY-21"
    assert problem == "the container of PYTHON3_EXALLM holds another exallm than this one"


def test_a_script_language_that_is_not_there_is_found(patient: InstalledRegistry) -> None:
    target = replace(patient.target, language="PYTHON3_GONE")
    found = {finding.check: finding for finding in diagnose(target)}
    assert found["script language"].code == "E-EXALLM-SLC-1"
    assert found["udf"].found == "first correct: script language"


def test_a_schema_of_another_owner_is_found(patient: InstalledRegistry) -> None:
    patient.run("ALTER SCHEMA {s} CHANGE OWNER SYS")
    code, problem, remedy = failure(patient, "roles")
    assert (code, problem) == ("E-EXALLM-DEPLOY-24", "the schema belongs to SYS")
    assert remedy is not None and '"PATIENT".APPLY_GRANTS' in remedy


def test_a_user_without_rights_is_told_which(
    patient: InstalledRegistry, registry_engine: EngineHome
) -> None:
    with connect_to(registry_engine) as admin:
        admin.execute('CREATE USER DOC IDENTIFIED BY "pw"')
        admin.execute("GRANT CREATE SESSION TO DOC")
    try:
        database = replace(patient.target.database, user="DOC", password="pw")
        target = replace(patient.target, database=database)
        found = {finding.check: finding for finding in diagnose(target)}
        assert found["rights"].code == "E-EXALLM-DEPLOY-20"
        assert found["rights"].found.startswith("DOC lacks CREATE SCHEMA, CREATE ROLE")
        with connect_to(registry_engine) as admin:
            admin.execute("GRANT EXALLM_ADMIN TO DOC")
        found = {finding.check: finding for finding in diagnose(target)}
        assert found.pop("functions").found == "SALES.ASK is gone, or DOC may not see it"
        assert {finding.state for finding in found.values()} == {OK}
    finally:
        with connect_to(registry_engine) as admin:
            admin.execute("DROP USER DOC CASCADE")


def test_no_connection_and_no_bucketfs_are_findings(patient: InstalledRegistry) -> None:
    wrong = replace(patient.target.database, password="not-the-password")
    first, *others = diagnose(replace(patient.target, database=wrong))
    assert (first.check, first.code) == ("connection", "E-EXALLM-DEPLOY-5")
    assert {finding.state for finding in others} == {SKIPPED}
    assert "not-the-password" not in json.dumps(str([first, *others]))
    bucket = replace(patient.target.bucket, url="http://127.0.0.1:1")
    failed = [f for f in diagnose(replace(patient.target, bucket=bucket)) if f.state == FAILED]
    assert [(finding.check, finding.code) for finding in failed] == [
        ("bucketfs", "E-EXALLM-DEPLOY-6")
    ]


def test_a_failure_without_a_remedy_is_refused() -> None:
    with pytest.raises(ValueError, match="a failure has a code and a remedy"):
        Finding("x", FAILED, "bad")
    with pytest.raises(ValueError, match="a failure has a code and a remedy"):
        Finding("x", OK, "good", "E-EXALLM-DEPLOY-1", "do it")
