"""One file with container, SQL and models, into an engine that had nothing."""

from __future__ import annotations

import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exallm.bundle import install as install_module
from exallm.bundle.bundle_file import LISTING, unpack_bundle, write_bundle
from exallm.bundle.create import BundleRequest, create_bundle
from exallm.bundle.install import install_bundle
from exallm.installer.sql_files import all_sql_files
from exallm.installer.target import Target
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError
from tests.command_line import exallm, outcome
from tests.conftest import connect_to
from tests.container_harness import write_container
from tests.engine_harness import quiet, started_engine, target_on
from tests.registry_harness import write_package


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    with started_engine(tmp_path_factory.mktemp("bundle"), workers=1) as home:
        yield home


@pytest.fixture
def target(home: EngineHome) -> Target:
    return target_on(home)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    packages = []
    for version in (1, 2, 10):
        write_package(folder, "qa", version)
        packages.append(folder / "bfsdefault/default/exallm/models/qa" / f"v{version}")
    request = BundleRequest(write_container(folder / "box.tar.gz"), (), packages)
    create_bundle(request, folder / "exallm.bundle", quiet)
    return folder / "exallm.bundle"


def test_a_bundle_installs_all_and_speaks_with_nothing_but_the_engine(
    home: EngineHome, file: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, reached = socket.socket.connect, set()

    def connect(self: socket.socket, address: Any) -> None:
        reached.add(address[1])
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    done = install_bundle(target, file, 60, quiet, quiet)
    running = home.running()
    assert running is not None
    assert reached == {running.port, running.bucketfs_port}
    assert [(each.version, each.is_new) for each in done.models] == [
        (1, True),
        (2, True),
        (10, True),
    ]
    with connect_to(home) as connection:
        registered = connection.execute(
            "SELECT MODEL, MODEL_VERSION FROM EXALLM.CURRENT_VERSIONS ORDER BY 2"
        ).fetchall()
    assert registered == [("qa", 1), ("qa", 2), ("qa", 10)]
    again = outcome(home, "bundle", "install", str(file))
    assert again["migrations"] == [] and len(again["models"]) == 3
    assert exallm(home, "doctor", "--local").returncode == 0


def test_a_bundle_holds_a_version_once(tmp_path: Path) -> None:
    packages = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write_package(folder, "qa", 1)
        packages.append(folder / "bfsdefault/default/exallm/models/qa/v1")
    request = BundleRequest(write_container(tmp_path / "box.tar.gz"), (), packages)
    with pytest.raises(ExallmError, match=r"E-EXALLM-MODEL-20: another .* version 1 of qa"):
        create_bundle(request, tmp_path / "exallm.bundle", quiet)
    assert not (tmp_path / "exallm.bundle").exists()


def test_a_bundle_lists_every_file_with_its_hash(file: Path, tmp_path: Path) -> None:
    listing = unpack_bundle(file, tmp_path, quiet)
    assert [each.path for each in listing.below("container")] == ["container/box.tar.gz"]
    assert len(listing.below("sql")) == len(all_sql_files())
    assert (tmp_path / "models/qa/v10/manifest.json").is_file()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
def test_a_bundle_that_is_cut_changes_nothing(
    target: Target, file: Path, tmp_path: Path, share: float
) -> None:
    cut = tmp_path / "cut.bundle"
    content = file.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-20"):
        install_bundle(target, cut, 60, quiet, quiet)


def test_a_byte_that_changed_is_found(file: Path, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"GGUF, but no model 2")] ^= 1
    changed = tmp_path / "changed.bundle"
    changed.write_bytes(content)
    with pytest.raises(ExallmError, match=r"models/qa/v2/model\.gguf has another sha256"):
        unpack_bundle(changed, tmp_path / "out", quiet)


@pytest.mark.parametrize("path", ["../escaped", "/escaped", "sql/../../escaped", "other/file"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    with pytest.raises(ValueError, match="is "):
        write_bundle(tmp_path / "bad.bundle", "0.1.0", {path: source}, quiet)
    listed = f'{{"exallm": "1", "files": [{{"path": "{path}", "bytes": 1, "sha256": "x"}}]}}'
    (tmp_path / LISTING).write_text(listed)
    with tarfile.open(tmp_path / "bad.bundle", "w") as tar:
        tar.add(tmp_path / LISTING, LISTING)
        tar.add(source, path)
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-20"):
        unpack_bundle(tmp_path / "bad.bundle", tmp_path / "out", quiet)


def test_a_bundle_of_another_exallm_is_refused(
    target: Target, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {**all_sql_files(), "migrations/V999__later.sql": "SELECT 1;"}
    monkeypatch.setattr(install_module, "all_sql_files", lambda: ours)
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-21"):
        install_bundle(target, file, 60, quiet, quiet)
