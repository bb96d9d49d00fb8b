"""What the container that runs a script is, asked from inside."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FACTS_NAME = "exallm_container.json"
FACTS_NAMES = ("exallm", "flavor", "python", "accelerator", "build")
_PACKAGES = ("numpy", "openvino", "openvino-genai", "openvino-tokenizers", "torch", "transformers")
_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_CPU_INFO = Path("/proc/cpuinfo")


def container_report() -> dict[str, Any]:
    """Versions, CPU features and GPUs as this process sees them.

    ``facts`` is what the container's builder wrote, None outside a container. ``engines`` maps an
    engine to None where it can be imported, else to what keeps it from that.
    """
    return {
        "facts": container_facts(),
        "exallm": _version("exallm"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "engines": {"openvino": _problem("openvino_genai"), "torch": _problem("torch")},
        "cpu_flags": sorted(set(_CPU_FLAGS) & set(_cpu_words())),
        "gpus": _gpus(),
    }


def report_text() -> str:
    """The report as one line of JSON."""
    return json.dumps(container_report(), sort_keys=True)


def container_facts() -> dict[str, Any] | None:
    """What the container's builder wrote, by :data:`FACTS_NAMES`; None outside a container."""
    file = Path(__file__).parents[1] / FACTS_NAME
    facts: dict[str, Any] | None = json.loads(file.read_bytes()) if file.is_file() else None
    return facts


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _problem(module: str) -> str | None:
    if find_spec(module) is None:
        return "is not installed"
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _cpu_words() -> Iterator[str]:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("flags"):
                yield from line.partition(":")[2].split()
                return


def _gpus() -> list[str]:
    if find_spec("torch") is None or not import_module("torch").cuda.is_available():
        return []
    cuda = import_module("torch").cuda
    return [cuda.get_device_name(number) for number in range(cuda.device_count())]
