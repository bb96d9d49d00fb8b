"""Archives in a bucket: unpacked for UDFs, as Exasol does it."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exallm.local.bucketfs.bucket_folder import BucketFolder, BucketPathError


@pytest.fixture
def folder(tmp_path: Path) -> BucketFolder:
    made = BucketFolder(tmp_path / "root", tmp_path / "uploads")
    made.prepare()
    return made


def archive(**texts: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(f"inside/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_archive_is_unpacked_under_its_name_and_listed_as_one_file(folder: BucketFolder) -> None:
    folder.write("a/box.tar.gz", [archive(x="one")])
    inside = folder.root / "a" / "box" / "inside" / "x"
    until(inside.exists)
    assert inside.read_text() == "one"
    assert folder.paths() == ["a/box.tar.gz"]
    for refused in ("a/box/inside/x", "a/box"):
        with pytest.raises(BucketPathError):
            folder.open(refused)
        with pytest.raises(BucketPathError):
            folder.write(refused, [b"y"])


def test_a_new_archive_takes_the_place_of_the_old_one_whole(folder: BucketFolder) -> None:
    folder.write("box.tar.gz", [archive(x="one", only_before="1")])
    until((folder.root / "box" / "inside" / "only_before").exists)
    folder.write("box.tar.gz", [archive(x="two")])
    until((folder.root / "box" / "inside" / "x").exists)
    assert [file.name for file in (folder.root / "box" / "inside").iterdir()] == ["x"]
    assert (folder.root / "box" / "inside" / "x").read_text() == "two"
    assert folder.delete("box.tar.gz")
    assert not list(folder.root.iterdir())


def test_what_is_no_whole_archive_stays_a_file(
    folder: BucketFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write("box.tar.gz", [archive(x="one" * 1000)[:-20]])
    until(lambda: "was not unpacked" in caplog.text)
    assert not (folder.root / "box").exists()
    assert folder.paths() == ["box.tar.gz"]


def test_members_that_climb_out_are_refused(
    folder: BucketFolder, caplog: pytest.LogCaptureFixture
) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped"), io.BytesIO())
    folder.write("box.tar", [content.getvalue()])
    until(lambda: "was not unpacked" in caplog.text)
    assert not list(folder.root.parent.rglob("escaped"))


def test_an_archive_does_not_take_a_folder_of_files(folder: BucketFolder) -> None:
    folder.write("box/kept.txt", [b"kept"])
    with pytest.raises(IsADirectoryError):
        folder.write("box.tar.gz", [archive(x="one")])
    assert folder.paths() == ["box/kept.txt"]


def test_what_was_not_unpacked_before_a_kill_is_unpacked_at_the_next_start(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "box.tgz").write_bytes(archive(x="one"))
    uploads = tmp_path / "uploads" / "half-unpacked"
    uploads.mkdir(parents=True)
    folder = BucketFolder(root, tmp_path / "uploads")
    folder.prepare()
    until((root / "box" / "inside" / "x").exists)
    assert not uploads.exists()
    folder.stop()
