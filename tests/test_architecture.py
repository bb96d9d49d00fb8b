"""What the folders promise: which way imports go, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exallm_udfs.errors import ERRORS, ExallmError

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"E-EXALLM-[A-Z]+-\d+")

# Package to what it may import of the project. A longer name wins over a shorter one.
ALLOWED = {
    "exallm_udfs": ("exallm_udfs",),
    "exallm_trainer": ("exallm_trainer", "exallm_udfs"),
    "exallm": ("exallm", "exallm_udfs"),
    "exallm.cli": ("exallm", "exallm_udfs", "exallm_trainer"),
    "exallm.installer.packaging_cost": ("exallm", "exallm_udfs", "exallm_trainer"),
    "exallm.local": ("exallm.local", "exallm.home", "exallm_udfs.errors"),
    "exallm.local.sql": ("exallm.local", "exallm_udfs.errors"),
    "exallm.models": ("exallm.models", "exallm_udfs"),
}
# Inside the embedded engine each folder may use those below it.
LAYERS = ("wire", "engine", "transport", "sql", "lua", "udf")


def modules() -> Iterator[tuple[str, Path]]:
    tops = (("exallm", ROOT), ("exallm_udfs", ROOT / "udfs"), ("exallm_trainer", ROOT / "trainer"))
    for top, base in tops:
        for file in sorted((base / top).rglob("*.py")):
            parts = file.relative_to(base).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), file


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            yield node.module or ""


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_imports_go_one_way() -> None:
    for name, file in modules():
        package = max((p for p in ALLOWED if within(name, p)), key=len)
        for imported in imports(file):
            if imported.partition(".")[0] in ALLOWED:
                allowed = any(within(imported, target) for target in ALLOWED[package])
                assert allowed, f"{name} imports {imported}"


def test_nothing_imports_the_command_line() -> None:
    for name, file in modules():
        if not within(name, "exallm.cli"):
            assert not any(within(imported, "exallm.cli") for imported in imports(file)), name


def test_the_command_line_starts_without_the_trainer() -> None:
    code = (
        "import sys\n"
        "from exallm.cli.main import exallm\n"
        "exallm(['--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('exallm_trainer')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout and done.stdout.splitlines()[-1] == "[]"


def test_layers_of_the_engine_use_those_below() -> None:
    for name, file in modules():
        parts = name.split(".")
        if len(parts) < 4 or parts[:2] != ["exallm", "local"] or parts[2] not in LAYERS:
            continue
        below = LAYERS[LAYERS.index(parts[2]) :]
        for imported in imports(file):
            other = imported.split(".")
            if other[:2] == ["exallm", "local"] and len(other) > 2 and other[2] in LAYERS:
                assert other[2] in below, f"{name} imports {imported}"


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_every_error_code_that_is_used_is_in_the_table_and_the_other_way_round() -> None:
    used = set()
    for file in tracked("exallm/*.py", "udfs/*.py", "trainer/*.py", "sql/*.sql", "exallm/*.lua"):
        if file.name != "errors.py":
            text = file.read_text(encoding="utf-8")
            used |= set(CODE.findall(text))
            used |= {f"E-EXALLM-LOCAL-{n}" for n in re.findall(r"refused\(\s*(\d+)", text)}
            used |= {f"E-EXALLM-MODEL-{n}" for n in re.findall(r"\bfail\((\d+)", text)}
    assert used <= set(ERRORS), sorted(used - set(ERRORS))
    assert set(ERRORS) <= used, sorted(set(ERRORS) - used)


def test_the_page_of_errors_shows_the_table() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(E-EXALLM-[A-Z]+-\d+)` \| (.*?) \|", page, re.M))
    assert shown == ERRORS


def test_an_error_says_code_problem_and_remedy_and_refuses_an_unknown_code() -> None:
    error = ExallmError("E-EXALLM-MODEL-3", "model x is unknown", "name a or b")
    assert str(error) == "E-EXALLM-MODEL-3: model x is unknown; name a or b"
    with pytest.raises(KeyError):
        ExallmError("E-EXALLM-MODEL-999", "x", "y")


def test_no_file_holds_a_path_of_a_machine_or_data_that_is_not_ours() -> None:
    machine = re.compile(r"/(?:work|farm|root)/|/tmp/v/|/tmp/hubv")
    for file in tracked():
        if file.suffix in (".py", ".md", ".sql", ".toml", ".lua") and file != Path(__file__):
            assert not machine.search(file.read_text(encoding="utf-8")), file


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
