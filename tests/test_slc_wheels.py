"""What a flavor's wheels need, against what is there."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from exallm.slc.description import ContainerDescription, Flavor
from exallm.slc.wheels import Wheel, check_closure, read_wheel
from exallm_udfs.errors import ExallmError

FLAVOR = Flavor("cpu", "image", (), None, {"spy": "no function imports it"})
DESCRIPTION = ContainerDescription("3.12", ("any",), {"Num_Py": "1.26.4"}, {"cpu": FLAVOR})


def wheel(folder: Path, name: str, version: str, *requires: str) -> Wheel:
    file = folder / f"{name}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
    return read_wheel(file)


def test_a_wheel_says_what_it_is(tmp_path: Path) -> None:
    read = wheel(tmp_path, "My_Engine", "1.2", "num.py<2")
    assert (read.name, read.version, read.requires) == ("my-engine", "1.2", ("num.py<2",))
    assert read.bytes == read.file.stat().st_size


def test_pins_base_image_and_what_is_left_out_meet_every_need(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path, "engine", "1.0", "num.py>=1.16,<2.5", "Part==2.*", "spy>=1"),
        wheel(tmp_path, "part", "2.1", "winlib; sys_platform=='win32'", "tests; extra=='dev'"),
    ]
    check_closure(wheels, FLAVOR, DESCRIPTION)


@pytest.mark.parametrize(
    ("need", "problem"),
    [
        ("num-py>=2", "num-py>=2, and 1.26.4 is there"),
        ("absent", "absent, and none is there"),
        ("absent; python_version>='3.12'", "absent, and none is there"),
        ("engine>1.0", "engine>1.0, and 1.0 is there"),
    ],
)
def test_a_need_that_nothing_meets_is_named(tmp_path: Path, need: str, problem: str) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-5") as caught:
        check_closure([wheel(tmp_path, "engine", "1.0", need)], FLAVOR, DESCRIPTION)
    assert f"engine needs {problem}" in caught.value.problem
