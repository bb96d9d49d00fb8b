"""Which models a process keeps, and which engine computes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exallm_udfs import model_cache
from exallm_udfs.buckets import BUCKETS_ROOT_VARIABLE
from exallm_udfs.engines import choice
from exallm_udfs.engines.choice import engine_name
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import EngineFiles, GenerationDefaults, Manifest, PromptSettings
from exallm_udfs.model_cache import close_all, loaded_model
from exallm_udfs.package import package_sha256
from exallm_udfs.package_file import PackageFile
from exallm_udfs.registry import RegisteredVersion

MEBIBYTE = 1 << 20
DIGEST = "0123456789abcdef" * 4


class Opened:
    """Stands for a loaded engine: it knows whether it was closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def manifest(name: str, size: int, engines: tuple[str, ...] = ("openvino",)) -> Manifest:
    paths = {"openvino": "model.gguf", "torch": "torch"}
    return Manifest(
        name=name,
        version=1,
        task="answer",
        base=None,
        engines={engine: EngineFiles(paths[engine]) for engine in engines},
        files=(
            PackageFile("model.gguf", size, DIGEST),
            PackageFile("torch/model.safetensors", 0, DIGEST),
        ),
        prompt=PromptSettings("{ctx}", ("\n",)),
        generation=GenerationDefaults(32),
        context_length=256,
        tokenizer="model.gguf",
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
    )


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RegisteredVersion]]:
    """Three packages of 100 MiB each, whose weights are holes in files."""
    monkeypatch.setenv(BUCKETS_ROOT_VARIABLE, str(tmp_path))
    registered = []
    for name in ("one", "two", "three"):
        path = f"/buckets/bfsdefault/default/{name}"
        folder = tmp_path.joinpath(*path.split("/")[2:])
        (folder / "torch").mkdir(parents=True)
        (folder / "torch" / "model.safetensors").touch()
        with (folder / "model.gguf").open("wb") as file:
            file.truncate(100 * MEBIBYTE)
        (folder / "manifest.json").write_text(manifest(name, 100 * MEBIBYTE).to_json())
        registered.append(RegisteredVersion(name, 1, path, package_sha256(folder)))
    yield registered
    close_all()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """The engines in the order in which they were opened, none of which reads a file."""
    engines: list[Opened] = []

    def open_engine(manifest: Manifest, folder: Path, name: str, threads: int | None) -> Opened:
        engines.append(Opened(folder))
        return engines[-1]

    monkeypatch.setattr(model_cache, "open_engine", open_engine)
    return engines


def test_a_model_larger_than_the_limit_is_refused_before_it_is_opened(
    packages: list[RegisteredVersion], opened: list[Opened]
) -> None:
    with pytest.raises(ExallmError, match="one@v1 needs about 500 MiB") as caught:
        loaded_model(packages[0], memory_limit=499 * MEBIBYTE)
    assert caught.value.code == "E-EXALLM-MODEL-27"
    assert opened == []
    assert loaded_model(packages[0], memory_limit=500 * MEBIBYTE).bytes == 500 * MEBIBYTE


def test_a_refused_model_leaves_the_loaded_ones_alone(
    packages: list[RegisteredVersion], opened: list[Opened]
) -> None:
    first = loaded_model(packages[0])
    with pytest.raises(ExallmError):
        loaded_model(packages[1], memory_limit=MEBIBYTE)
    assert loaded_model(packages[0]) is first
    assert not opened[0].is_closed


def test_the_model_that_was_not_asked_for_the_longest_makes_room(
    packages: list[RegisteredVersion], opened: list[Opened]
) -> None:
    one, two, three = packages
    limit = 1000 * MEBIBYTE
    first = loaded_model(one, memory_limit=limit)
    loaded_model(two, memory_limit=limit)
    assert loaded_model(one, memory_limit=limit) is first
    loaded_model(three, memory_limit=limit)
    assert [engine.is_closed for engine in opened] == [False, True, False]
    assert loaded_model(one, memory_limit=limit) is first
    loaded_model(two, memory_limit=limit)
    assert [engine.is_closed for engine in opened] == [False, True, True, False]
    close_all()
    assert all(engine.is_closed for engine in opened)


def test_threads_and_engine_are_part_of_what_is_kept(
    packages: list[RegisteredVersion], opened: list[Opened]
) -> None:
    model = loaded_model(packages[0])
    assert loaded_model(packages[0], engine="openvino") is model
    assert loaded_model(packages[0], threads=1) is not model
    assert loaded_model(packages[0]) is model
    assert len(opened) == 2


def test_a_package_without_the_engine_names_those_it_has(
    packages: list[RegisteredVersion],
) -> None:
    with pytest.raises(ExallmError, match="ask for openvino") as caught:
        loaded_model(packages[0], engine="torch")
    assert caught.value.code == "E-EXALLM-MODEL-14"


@pytest.mark.parametrize(
    ("engines", "has_gpu", "wanted", "chosen"),
    [
        (("openvino",), False, None, "openvino"),
        (("openvino",), True, None, "openvino"),
        (("torch",), False, None, "torch"),
        (("openvino", "torch"), False, None, "openvino"),
        (("openvino", "torch"), True, None, "torch"),
        (("openvino", "torch"), True, "openvino", "openvino"),
        (("openvino", "torch"), False, "torch", "torch"),
    ],
)
def test_package_hardware_and_caller_choose_the_engine(
    engines: tuple[str, ...],
    has_gpu: bool,
    wanted: str | None,
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "cuda_is_there", lambda: has_gpu)
    assert engine_name(manifest("one", 1, engines), "one@v1", wanted) == chosen
