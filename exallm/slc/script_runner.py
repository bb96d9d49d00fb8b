"""Runs every script of ``sql/udfs`` in the Python that starts this, and says how it went.

``python -m exallm.slc.script_runner`` needs nothing beyond the container's own packages: the strict
runtime context is of the standard library. ``EXALLM_BUCKETS_ROOT`` names a folder in which the
package of the model ``qa`` lies. The last line of its output is one JSON object.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from exallm.installer.sql_files import sql_files
from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.context import ListedRows
from exallm.local.udf.environment import StatementEnvironment
from exallm.local.udf.script import UdfScript, parse_udf_script
from exallm.local.udf.virtual_machine import VirtualMachine
from exallm.slc.script_cases import (
    SPAN_MODEL,
    SPAN_PIECES,
    Row,
    ScriptCase,
    bucket_path,
    registry,
    script_cases,
)
from exallm.slc.span_sample import write_span_sample
from exallm_udfs.buckets import real_path
from exallm_udfs.package import package_sha256, read_manifest
from exallm_udfs.registry import Registry

_SCHEMA = "EXALLM"
_MAPPED_FILES = Path("/proc/self/maps")
_ANY_TEXT = ExasolType("VARCHAR", size=2_000_000)


def udf_scripts() -> dict[str, UdfScript]:
    """Every UDF script of ``sql/udfs`` by its name."""
    statements = [sql for file in sql_files("udfs") for sql in file.statements()]
    parsed = [parse_udf_script(sql, _SCHEMA) for sql in statements if sql.startswith("CREATE")]
    return {script.name: script for script in parsed}


def run_case(script: UdfScript, case: ScriptCase, environment: StatementEnvironment) -> list[Row]:
    """The rows of one group, through the strict runtime context.

    :raises SqlError: as the script does.
    """
    arguments = script.inputs or tuple(
        Column(str(number), _ANY_TEXT) for number in range(len(case.rows[0]))
    )
    machine = VirtualMachine(script, arguments, script.emits, environment)
    emitted: list[Row] = []
    if script.kind == "SCALAR" and script.returns is not None:
        emitted = [(value,) for value in machine.scalar_values(list(case.rows))]
    elif script.kind == "SCALAR":
        machine.scalar_rows(list(case.rows), lambda _origins, some: emitted.extend(some))
    elif script.returns is not None:
        emitted = [(machine.group_value(ListedRows(list(case.rows))),)]
    else:
        rows = ListedRows(list(case.rows))
        machine.group_rows(rows, lambda _origins, some: emitted.extend(some))
    machine.cleanup()
    return emitted


def run_scripts() -> dict[str, str | None]:
    """Run every script once: name to its problem, None where it answered."""
    package = real_path(bucket_path())
    sha256 = package_sha256(package)
    models = {**registry(sha256).models, **_span_registry().models}
    compiled = f'REGISTRY = "{Registry(models).encode()}"'
    environment = StatementEnvironment(scripts={f"{_SCHEMA}.REGISTRY": compiled})
    cases = {case.script: case for case in script_cases(read_manifest(package), sha256)}
    return {
        name: _problem(script, cases.get(name), environment)
        for name, script in udf_scripts().items()
    }


def _span_registry() -> Registry:
    """The sample of a model that points at answers, made here: it needs what the container has."""
    package = real_path(bucket_path(SPAN_MODEL))
    package.mkdir(parents=True)
    write_span_sample(package, SPAN_MODEL, SPAN_PIECES)
    return registry(package_sha256(package), SPAN_MODEL)


def _problem(
    script: UdfScript, case: ScriptCase | None, environment: StatementEnvironment
) -> str | None:
    if case is None:
        return "no case calls it"
    try:
        rows = run_case(script, case, environment)
    except SqlError as error:
        return error.text
    if len(rows) != 1 or not case.answers(rows):
        return f"it answered {rows!r:.300}"
    return None


def used_distributions() -> list[str]:
    """The installed packages of which this process has imported a module or mapped a library."""
    mapped = _MAPPED_FILES.read_text().splitlines() if _MAPPED_FILES.exists() else []
    loaded = {Path(line.split(maxsplit=5)[5]) for line in mapped if line.count("/")}
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    loaded |= {Path(file) for file in modules if file}
    resolved = {file.resolve() for file in loaded}
    used = set()
    for distribution in metadata.distributions():
        files = {Path(str(file.locate())).resolve() for file in distribution.files or ()}
        if files & resolved:
            used.add(distribution.metadata["Name"])
    return sorted(used)


def main() -> None:
    """Print the outcome."""
    outcomes = run_scripts()
    facts = {
        "python": platform.python_version(),
        "scripts": outcomes,
        "used": used_distributions(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
