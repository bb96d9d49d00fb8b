"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def describe_machine() -> str:
    """One line: system, cores, what the CPU can do, load, and the versions that matter."""
    flags = cpu_flags(_CPU_INFO.read_text()) if _CPU_INFO.is_file() else "not told"
    load = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, CPU flags {flags}, "
        f"load {load:.1f} at the start, Python {platform.python_version()}, "
        f"openvino-genai {version('openvino-genai')}"
    )


def cpu_flags(cpu_info: str) -> str:
    """Those flags of a CPU that decide how fast a model runs, 'none' where it has none of them."""
    found = re.search(r"^flags\s*:(.*)$", cpu_info, re.MULTILINE)
    there = set(found[1].split()) if found else set()
    return " ".join(flag for flag in _TELLING_FLAGS if flag in there) or "none"
