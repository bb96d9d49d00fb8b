from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE, real_path
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import EngineFiles, GenerationDefaults, Manifest, PromptSettings
from exallm_udfs.package import (
    FileProblem,
    check_sizes,
    describe_file,
    package_sha256,
    read_manifest,
    verify_package,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "v1"
    (folder / "extra").mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"weights" * 1000)
    (folder / "extra" / "note.txt").write_text("hello")
    files = [folder / "extra" / "note.txt", folder / "model.gguf"]
    manifest = Manifest(
        name="qa",
        version=1,
        task="generate",
        base=None,
        engines={"openvino": EngineFiles("model.gguf")},
        files=tuple(describe_file(path, folder) for path in files),
        prompt=PromptSettings("{ctx}", ()),
        generation=GenerationDefaults(8),
        context_length=100,
        tokenizer="model.gguf",
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
    )
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder


def test_describe_file_gives_size_and_digest(package: Path) -> None:
    described = describe_file(package / "extra" / "note.txt", package)
    assert described.path == "extra/note.txt"
    assert described.bytes == 5
    assert described.sha256 == hashlib.sha256(b"hello").hexdigest()


def test_describe_file_refuses_a_symlink_a_pickle_and_a_folder(package: Path) -> None:
    (package / "link.gguf").symlink_to(package / "model.gguf")
    (package / "linked").symlink_to(package / "extra")
    (package / "model.pkl").write_bytes(b"\x80\x04.")
    for path in ["link.gguf", "linked/note.txt", "model.pkl", "extra"]:
        with pytest.raises(ExallmError) as caught:
            describe_file(package / path, package)
        assert caught.value.code == "E-EXALLM-MODEL-9"


def test_a_whole_package_has_no_problem(package: Path) -> None:
    assert read_manifest(package).files[1].bytes == 7000
    assert check_sizes(package, read_manifest(package)) == []
    assert verify_package(package, package_sha256(package)) == []


def test_the_package_digest_is_that_of_the_manifest(package: Path) -> None:
    content = (package / "manifest.json").read_bytes()
    assert package_sha256(package) == hashlib.sha256(content).hexdigest()


def test_a_changed_byte_is_found_by_verification_only(package: Path) -> None:
    content = bytearray((package / "model.gguf").read_bytes())
    content[5000] ^= 1
    (package / "model.gguf").write_bytes(content)
    assert check_sizes(package, read_manifest(package)) == []
    problems = verify_package(package, package_sha256(package))
    assert [problem.path for problem in problems] == ["model.gguf"]
    assert "sha256" in problems[0].problem


def test_every_problem_is_told_at_once(package: Path) -> None:
    digest = package_sha256(package)
    (package / "model.gguf").write_bytes(b"short")
    (package / "extra" / "note.txt").unlink()
    (package / "stray.txt").write_text("?")
    (package / "manifest.json").write_text((package / "manifest.json").read_text() + "\n")
    problems = {problem.path: problem.problem for problem in verify_package(package, digest)}
    assert set(problems) == {"extra/note.txt", "manifest.json", "model.gguf", "stray.txt"}
    assert problems["extra/note.txt"] == "is missing"
    assert problems["model.gguf"] == "has 5 bytes instead of 7000"


def test_a_symlink_in_place_of_a_file_or_folder_is_a_problem(package: Path, tmp_path: Path) -> None:
    digest = package_sha256(package)
    (package / "model.gguf").rename(tmp_path / "outside.gguf")
    (package / "model.gguf").symlink_to(tmp_path / "outside.gguf")
    (package / "extra").rename(tmp_path / "outside")
    (package / "extra").symlink_to(tmp_path / "outside")
    problems = verify_package(package, digest)
    assert FileProblem("model.gguf", "is a symlink") in problems
    assert FileProblem("extra/note.txt", "is a symlink") in problems


def test_without_a_manifest_a_package_is_not_whole(package: Path, tmp_path: Path) -> None:
    (package / "manifest.json").unlink()
    with pytest.raises(ExallmError) as caught:
        read_manifest(package)
    assert caught.value.code == "E-EXALLM-MODEL-7"
    for folder in [package, tmp_path / "nowhere"]:
        assert [problem.path for problem in verify_package(folder, "0" * 64)] == ["manifest.json"]


def test_a_manifest_that_is_no_text_is_one_problem(package: Path) -> None:
    (package / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExallmError) as caught:
        read_manifest(package)
    assert caught.value.code == "E-EXALLM-MODEL-8"
    assert [problem.path for problem in verify_package(package, "0" * 64)] == ["manifest.json"]


def test_real_path_on_exasol_and_in_the_embedded_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/buckets/bfsdefault/default/exallm/models/qa/v1"
    monkeypatch.delenv(BUCKETS_ROOT_VARIABLE, raising=False)
    assert real_path(path) == Path(path)
    monkeypatch.setenv(BUCKETS_ROOT_VARIABLE, "/data/buckets")
    assert real_path(path) == Path("/data/buckets/bfsdefault/default/exallm/models/qa/v1")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/buckets",
        "/buckets/bfsdefault",
        "/etc/passwd",
        "buckets/a/b/c",
        "/buckets/a/../b/c",
    ],
)
def test_a_path_outside_the_buckets_is_refused(path: str) -> None:
    with pytest.raises(ExallmError) as caught:
        real_path(path)
    assert caught.value.code == "E-EXALLM-MODEL-2"
