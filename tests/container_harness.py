"""Small containers for the embedded engine, of this Python and this checkout."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from exallm.local.udf.container import CLIENT, PACKAGES, client_line
from exallm.slc.facts import ContainerFacts
from exallm_udfs.container_report import FACTS_NAME

ROOT = Path(__file__).parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
VERSION = metadata.version("exallm")


def write_container(
    file: Path,
    build: str = "1" * 64,
    exallm: str = VERSION,
    flavor: str = "cpu",
    engine: bool = True,
    padding: Path | None = None,
) -> Path:
    """An archive with exallm of this checkout, and a module in the place of OpenVINO.

    :param build: what tells it from another one.
    :param exallm: the version that it says it holds.
    :param flavor: what it calls its kind.
    :param engine: whether the engine's module is in it.
    :param padding: a file that makes it larger.
    """
    facts = ContainerFacts(exallm, flavor, PYTHON, None, build)
    described = f"Metadata-Version: 2.1\nName: exallm\nVersion: {exallm}\n"
    texts = {
        CLIENT: client_line(PYTHON),
        f"{PACKAGES}/{FACTS_NAME}": json.dumps(asdict(facts)),
        f"{PACKAGES}/exallm-{exallm}.dist-info/METADATA": described,
    }
    if engine:
        texts[f"{PACKAGES}/openvino_genai.py"] = "BUILD = " + repr(build)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        if padding is not None:
            tar.add(padding, f"{PACKAGES}/padding")
        for package in ("exallm/local", "exallm/__init__.py", "udfs/exallm_udfs"):
            place = package.removeprefix("udfs/")
            tar.add(ROOT / package, f"{PACKAGES}/{place}", filter=_source)
    return file


def _source(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member
