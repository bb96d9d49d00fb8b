"""The description of the containers and the flavors that are written from it."""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import asdict
from pathlib import Path

import pytest

from exallm.slc.archive import read_archive
from exallm.slc.description import container_description, flavor_file, parse_pins
from exallm.slc.facts import ContainerFacts
from exallm.slc.flavor_folder import write_flavor
from exallm.slc.own_wheel import own_wheel
from exallm.slc.script_cases import missing_cases, script_cases
from exallm.slc.script_runner import udf_scripts
from exallm_udfs.container_report import FACTS_NAME
from exallm_udfs.errors import ExallmError
from tests.container_harness import write_container
from tests.udf_harness import RuleEngine, manifest_of

FLAVORS = container_description().flavors
HASH = "--hash=sha256:" + "0" * 64


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / "exallm-0.1.0-py3-none-any.whl"
    file.write_bytes(b"a wheel")
    return file


def test_both_flavors_are_pinned_and_hashed_and_only_one_has_torch() -> None:
    cpu, cuda = ({pin.name for pin in FLAVORS[name].pins()} for name in ("cpu", "cuda"))
    assert "openvino-genai" in cpu and "torch" not in cpu
    assert {"openvino-genai", "torch", "transformers"} <= cuda
    provided = set(container_description().provided)
    assert not provided & (cpu | cuda), "the base image has it"
    for flavor in FLAVORS.values():
        assert not set(flavor.left_out) & {pin.name for pin in flavor.pins()}
    assert FLAVORS["cpu"].accelerator is None
    assert FLAVORS["cuda"].accelerator == "GpuNvidia"


def test_both_flavors_and_the_base_agree_on_every_version() -> None:
    known: dict[str, str] = {}
    texts = [flavor.pins_text for flavor in FLAVORS.values()]
    for text in [*texts, container_description().provided_pins_text]:
        for pin in parse_pins(text):
            assert known.setdefault(pin.name, pin.version) == pin.version


@pytest.mark.parametrize("name", ["container.toml", *(f"requirements-{n}.txt" for n in FLAVORS)])
def test_no_file_names_a_package_index(name: str) -> None:
    assert not re.search(r"https?:|--index|--find-links|--trusted", flavor_file(name).read_text())


@pytest.mark.parametrize("line", ["numpy", "numpy>=1 " + HASH, "numpy==1.26.4", "-r other.txt"])
def test_a_requirement_without_pin_or_hash_is_refused(line: str) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-4"):
        parse_pins(line)


@pytest.mark.parametrize("name", FLAVORS)
def test_a_flavor_is_a_folder_for_the_container_tool(
    name: str, wheel: Path, tmp_path: Path
) -> None:
    flavor = FLAVORS[name]
    base = write_flavor(flavor, container_description(), wheel, tmp_path) / "flavor_base"
    dependencies = (base / "dependencies" / "Dockerfile").read_text()
    release = (base / "release" / "Dockerfile").read_text()
    assert dependencies.startswith(f"FROM {flavor.base_image}\n")
    assert "--require-hashes" in dependencies and "--no-deps" in release
    assert release.startswith("FROM {{ dependencies }}\n")
    assert "@" not in (dependencies + release).replace("==", "")
    assert (base / "release" / "dist" / wheel.name).read_bytes() == b"a wheel"
    facts = json.loads((base / "release" / FACTS_NAME).read_text())
    assert (facts["flavor"], facts["accelerator"]) == (name, flavor.accelerator)


def test_another_wheel_is_another_build(wheel: Path) -> None:
    description = container_description()
    first = ContainerFacts.of(FLAVORS["cpu"], description, wheel)
    wheel.write_bytes(b"another wheel")
    second = ContainerFacts.of(FLAVORS["cpu"], description, wheel)
    assert first.build != second.build and first.name == second.name == "exallm-0.1.0-cpu"
    assert ContainerFacts.from_json(first.to_json().encode()) == first


@pytest.mark.parametrize("accelerator", ["", "Gpu Nvidia", "GpuNvidia;\nimport os", 1])
def test_an_accelerator_that_is_no_word_is_refused(accelerator: object, wheel: Path) -> None:
    facts = ContainerFacts.of(FLAVORS["cuda"], container_description(), wheel)
    assert ContainerFacts.from_json(facts.to_json().encode()).accelerator == "GpuNvidia"
    text = json.dumps({**asdict(facts), "accelerator": accelerator})
    with pytest.raises(ValueError, match="an accelerator that is no word"):
        ContainerFacts.from_json(text.encode())


def test_a_wheel_that_is_named_has_to_be_one(tmp_path: Path, wheel: Path) -> None:
    assert own_wheel(wheel, tmp_path) == wheel
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-6"):
        own_wheel(tmp_path / "missing.whl", tmp_path)


def test_every_script_has_a_case() -> None:
    cases = script_cases(manifest_of(RuleEngine(str)), "0" * 64)
    assert missing_cases(cases, udf_scripts()) == []


# --- archives ---


def test_a_container_is_read_to_its_end(tmp_path: Path) -> None:
    read = read_archive(write_container(tmp_path / "box.tar.gz"))
    assert read.is_embedded and read.facts.flavor == "cpu" and len(read.sha256) == 64


def test_a_container_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = write_container(tmp_path / "box.tar.gz").read_bytes()
    for size in (0, 100, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(whole[:size])
        with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-7"):
            read_archive(cut)


def test_other_files_are_no_containers(tmp_path: Path) -> None:

    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz") as tar:
        tar.add(Path(__file__), "file.py")
    for file, problem in ((other, "exaudfclient"), (tmp_path / "none", "no such file")):
        with pytest.raises(ExallmError, match=f"E-EXALLM-SLC-7.*{problem}"):
            read_archive(file)
