"""Deploying containers on the embedded engine, with small containers of this Python."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.installer.script_languages import (
    SESSION,
    SYSTEM,
    activate,
    container_url,
    script_languages,
)
from exallm.installer.target import Target
from exallm.local.engine_home import EngineHome
from exallm.slc.archive import read_archive
from exallm.slc.bucket_store import BucketStore, archive_name
from exallm.slc.deploy import Activation, Deployment, activate_version, deploy, roll_back
from exallm.slc.nodes import Probe, wait_for_nodes
from exallm_udfs.errors import ExallmError
from tests.command_line import exallm, outcome
from tests.conftest import connect_to
from tests.container_harness import PYTHON, write_container
from tests.engine_harness import quiet, started_engine, target_on

ODD = "PYTHON3=builtin_python3   r=builtin_r \tJAVA=builtin_java"
ALIAS = "PYTHON3_EXALLM"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    with started_engine(tmp_path_factory.mktemp("slc"), workers=1) as home:
        yield home


@pytest.fixture
def target(home: EngineHome) -> Iterator[Target]:
    """The engine with some aliases and no containers."""
    target = target_on(home)
    with connect_to(home) as connection:
        connection.execute(f"ALTER SYSTEM SET SCRIPT_LANGUAGES = '{ODD}'")
    bucket = target.bucket.path() / "exallm"
    if bucket.exists():
        bucket.rmdir(recursive=True)
    yield target


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return write_container(tmp_path / "box.tar.gz")


def put(target: Target, file: Path, version: str, deadline_s: float = 60) -> Activation:
    request = Deployment(read_archive(file), version, deadline_s)
    return deploy(target, request, quiet, quiet)


def languages(target: Target) -> str:
    with target.database.session() as connection:
        return script_languages(connection, SYSTEM)


def build_of(target: Target, alias: str = ALIAS) -> str:
    """What the container behind an alias says of itself, asked by a script."""
    with target.database.session() as connection:
        connection.execute("CREATE SCHEMA ASKED")
        connection.execute(
            f"CREATE {alias} SCALAR SCRIPT BUILD() RETURNS VARCHAR(200) AS\n"
            "def run(ctx):\n    import openvino_genai\n    return openvino_genai.BUILD\n"
        )
        answer = str(connection.execute("SELECT ASKED.BUILD()").fetchall()[0][0])
        connection.rollback()
    return answer


def failure(code: int, target: Target, file: Path, version: str, deadline_s: float = 60) -> str:
    """The error of a deployment, which left everything as it was."""
    before = languages(target)
    with pytest.raises(ExallmError) as caught:
        put(target, file, version, deadline_s)
    assert caught.value.code == f"E-EXALLM-SLC-{code}", caught.value
    assert languages(target) == before
    return str(caught.value)


# --- the way there and back ---


def test_a_container_runs_scripts_under_its_alias_and_others_stay(
    target: Target, box: Path
) -> None:
    done = put(target, box, "one")
    url = container_url("/buckets/bfsdefault/default/exallm/slc/exallm-one")
    assert (done.url, done.path) == (
        url,
        url.partition("#")[2].removesuffix("/exaudf/exaudfclient"),
    )
    assert languages(target) == f"{ODD} {ALIAS}={url}"
    (report,) = done.reports
    assert report.build == "1" * 64
    assert report.report["python"].startswith(PYTHON + ".")
    assert report.report["engines"]["openvino"] is None
    assert build_of(target) == "1" * 64


def test_a_second_run_uploads_and_changes_nothing(target: Target, box: Path) -> None:
    put(target, box, "one")
    before = languages(target)
    sent: list[int] = []
    request = Deployment(read_archive(box), "one", 60)
    deploy(target, request, quiet, lambda name, done, size: sent.append(done))
    assert (sent, languages(target)) == ([], before)
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-17.*no other container before"):
        roll_back(target, 60, quiet)


def test_two_stand_side_by_side_and_the_way_leads_back(
    target: Target, box: Path, tmp_path: Path
) -> None:
    other = write_container(tmp_path / "other.tar.gz", build="2" * 64)
    put(target, box, "one")
    first = languages(target)
    put(target, other, "two")
    assert build_of(target) == "2" * 64
    assert languages(target).startswith(ODD)
    rolled = roll_back(target, 60, quiet)
    assert rolled.reports[0].build == "1" * 64
    assert languages(target) == first
    assert build_of(target) == "1" * 64
    assert activate_version(target, "two", 60, SYSTEM, quiet).reports[0].build == "2" * 64
    assert build_of(target) == "2" * 64


def test_a_flavor_that_this_exallm_does_not_know_is_deployed(
    target: Target, tmp_path: Path
) -> None:
    put(target, write_container(tmp_path / "arm.tar.gz", flavor="arm"), "arm")
    assert activate_version(target, "arm", 60, SYSTEM, quiet).reports[0].build == "1" * 64


@pytest.mark.parametrize("text", ["[]", "{", '{"sha256": "x"}', '{"bytes": 1, "facts": {}}'])
def test_what_is_known_of_a_container_may_be_damaged(target: Target, text: str) -> None:
    folder = target.bucket.path() / "exallm" / "slc"
    (folder / "exallm-one.json").write(text.encode())
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-14: exallm-one.json"):
        activate_version(target, "one", 60, SYSTEM, quiet)


@pytest.mark.parametrize("text", ["[]", f'{{"{ALIAS}": "url"}}', f'{{"{ALIAS}": [1, 2]}}'])
def test_the_activations_may_be_damaged(target: Target, text: str) -> None:
    (target.bucket.path() / "exallm" / "slc" / "activations.json").write(text.encode())
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-14: activations.json"):
        roll_back(target, 60, quiet)


def test_the_way_back_leads_to_what_was_there_before_exallm_came(
    home: EngineHome, target: Target, box: Path
) -> None:
    with connect_to(home) as connection:
        activate(connection, SYSTEM, ALIAS, "builtin_python3")
    before = languages(target)
    put(target, box, "one")
    roll_back(target, 60, quiet)
    assert languages(target) == before


def test_the_way_back_is_not_guessed_where_others_have_changed_the_alias(
    home: EngineHome, target: Target, box: Path
) -> None:
    put(target, box, "one")
    put(target, box, "two")
    with connect_to(home) as connection:
        activate(connection, SYSTEM, ALIAS, "builtin_python3")
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-17.*changed by other means"):
        roll_back(target, 60, quiet)


def test_a_session_gets_its_statement_and_the_system_stays(
    home: EngineHome, target: Target, box: Path
) -> None:
    request = Deployment(read_archive(box), "one", 60, SESSION)
    done = deploy(target, request, quiet, quiet)
    assert languages(target) == ODD
    with connect_to(home) as connection:
        connection.execute(done.statement)
        assert script_languages(connection, SESSION) == f"{ODD} {ALIAS}={done.url}"
        assert script_languages(connection, SYSTEM) == ODD


def test_the_commands_say_what_the_functions_do(
    home: EngineHome, target: Target, box: Path
) -> None:
    done = outcome(home, "slc", "deploy", str(box), "--version", "one")
    assert done["nodes"][0]["facts"]["build"] == "1" * 64
    shown = exallm(home, "slc", "deploy", str(box), "--version", "two", "--local")
    assert shown.returncode == 0 and "node 0: Python" in shown.stdout
    assert "exallm-one" in outcome(home, "slc", "rollback")["url"]
    again = exallm(home, "slc", "activate", "three", "--local")
    assert again.returncode == 1 and again.stderr.startswith("E-EXALLM-SLC-16: ")


# --- what is wrong ---


def test_a_missing_requirement_fails_before_anything_is_activated(
    target: Target, tmp_path: Path
) -> None:
    bare = write_container(tmp_path / "bare.tar.gz", engine=False)
    assert "openvino is not installed" in failure(11, target, bare, "bare")


def test_a_container_of_an_exasol_is_refused_by_the_engine(target: Target, box: Path) -> None:
    message = failure_of_kind(replace(target, is_embedded=False), box)
    assert "a container for the embedded engine, not for an Exasol" in message


def failure_of_kind(target: Target, file: Path) -> str:
    return failure(7, target, file, "one")


def test_what_is_active_is_not_overwritten(target: Target, box: Path, tmp_path: Path) -> None:
    put(target, box, "one")
    other = write_container(tmp_path / "other.tar.gz", build="2" * 64)
    assert "--version" in failure(12, target, other, "one")
    assert build_of(target) == "1" * 64


@pytest.mark.parametrize("version", ["", "../x", "a/b", "x.tar.gz", "x" * 81, "-x", "x y"])
def test_a_version_has_to_be_the_name_of_a_folder(version: str) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-15"):
        archive_name(version)


def test_a_wrong_password_and_a_reader_are_told_apart(
    home: EngineHome, target: Target, box: Path
) -> None:
    stranger = replace(target, bucket=replace(target.bucket, password="wrong"))
    assert "does not know the password of w" in failure(8, stranger, box, "one")
    bucket = replace(target.bucket, user="r", password=home.bucketfs_password("read"))
    assert "r may not write" in failure(8, replace(target, bucket=bucket), box, "one")


def test_too_little_room_is_told(target: Target, tmp_path: Path) -> None:
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from exallm.local.bucketfs.server import BucketFsServer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "with BucketFsServer(Path(sys.argv[1]), 'writes', 'reads') as server:\n"
        "    print(server.port, flush=True)\n    sys.stdin.read()\n"
    )
    box = write_container(tmp_path / "box.tar.gz")
    assert box.stat().st_size > 100_000
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "small")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        bucket = replace(target.bucket, url=url, password="writes")
        assert "has no room" in failure(9, replace(target, bucket=bucket), box, "one")
        process.stdin.close()


def test_a_node_that_never_answers_is_named(target: Target, box: Path) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-10: node 0 did not .* within 2 s") as told:
        wait_for_nodes(
            target.database,
            Probe(container_url("/buckets/bfsdefault/default/none"), None, None, 2),
            quiet,
        )
    assert "E-EXALLM-LOCAL-35" in str(told.value)
    with target.database.session() as connection:
        left = connection.execute("SELECT COUNT(*) FROM EXA_ALL_OBJECTS").fetchall()
    assert left == [(0,)]


def test_the_container_that_lay_there_before_is_not_taken_for_the_new_one(
    target: Target, box: Path
) -> None:
    done = put(target, box, "one")
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-10.*another container answered"):
        wait_for_nodes(target.database, Probe(done.url, "2" * 64, None, 10), quiet)


def test_an_upload_that_is_killed_leaves_nothing_and_is_begun_again(
    home: EngineHome, target: Target, box: Path, tmp_path: Path
) -> None:
    put(target, box, "one")
    before = languages(target)
    padding = tmp_path / "padding"
    padding.write_bytes(os.urandom(30_000_000))
    large = write_container(tmp_path / "large.tar.gz", build="3" * 64, padding=padding)
    command = [sys.executable, "-m", "exallm.cli.main", "slc", "deploy", str(large), "--local"]
    for _ in range(2):
        process = subprocess.Popen(
            [*command, "--version", "large"],
            env={**os.environ, "EXALLM_HOME": str(home.folder.parent)},
            stderr=subprocess.DEVNULL,
        )
        wait_for_upload(home, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = BucketStore(target.bucket)
        stored = store.stored("large")
        assert stored is not None and not stored.is_whole
        assert "exallm-large.tar.gz" not in [file.name for file in bucket_files(target)]
        assert languages(target) == before and build_of(target) == "1" * 64
    put(target, large, "large")
    assert build_of(target) == "3" * 64


def bucket_files(target: Target) -> list[Any]:
    return list((target.bucket.path() / "exallm" / "slc").iterdir())


def wait_for_upload(home: EngineHome, process: subprocess.Popen[bytes]) -> None:
    uploads = home.buckets_root / ".uploads" / "bfsdefault"
    end = time.monotonic() + 60
    while not any(file.is_file() and file.stat().st_size > 1_000_000 for file in present(uploads)):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.001)


def present(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.exists()]


# --- containers and the SQL ---


def test_doctor_says_which_side_to_upgrade(
    home: EngineHome, target: Target, box: Path, tmp_path: Path
) -> None:
    put(target, box, "one")
    outcome(home, "install", "--model", "none")
    finding = container_finding(home)
    assert finding["state"] == "ok", finding
    old = write_container(tmp_path / "old.tar.gz", build="4" * 64, exallm="0.0.1")
    put(target, old, "old")
    finding = container_finding(home)
    assert finding["code"] == "E-EXALLM-SLC-22" and "exallm slc deploy" in finding["remedy"]
    new = write_container(tmp_path / "new.tar.gz", build="5" * 64, exallm="99.0")
    put(target, new, "new")
    finding = container_finding(home)
    assert finding["code"] == "E-EXALLM-SLC-22" and "exallm upgrade" in finding["remedy"]
    with connect_to(home) as connection:
        connection.execute("DROP SCHEMA EXALLM CASCADE")


def container_finding(home: EngineHome) -> dict[str, Any]:
    shown = exallm(home, "doctor", "--local", "--json")
    findings = {check["check"]: check for check in json.loads(shown.stdout)["checks"]}
    found: dict[str, Any] = findings["container"]
    return found


def test_a_container_without_a_python_or_a_client_is_refused_by_name(
    home: EngineHome, target: Target
) -> None:
    client = home.buckets_root / "bfsdefault" / "default" / "real" / "exaudf" / "exaudfclient"
    client.parent.mkdir(parents=True)
    for content, problem in (
        (b"\x7fELF", "is not for the embedded engine"),
        (b"exallm-embedded python=2.0\n", "needs Python 2.0"),
    ):
        client.write_bytes(content)
        with connect_to(home) as connection:
            activate(connection, SESSION, "REAL", container_url(bucket_path("real")))
            connection.execute("CREATE SCHEMA REAL_ONE")
            connection.execute(
                "CREATE REAL SCALAR SCRIPT F() RETURNS INT AS\ndef run(ctx):\n    return 1\n"
            )
            with pytest.raises(pyexasol.ExaQueryError, match=f"E-EXALLM-LOCAL-36.*{problem}"):
                connection.execute("SELECT F()")
            connection.execute("DROP SCHEMA REAL_ONE CASCADE")
    shutil.rmtree(client.parents[1])


def bucket_path(name: str) -> str:
    return f"/buckets/bfsdefault/default/{name}"
