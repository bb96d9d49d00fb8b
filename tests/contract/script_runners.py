"""The runners without a database: the engine's strict runtime, and exasol-udf-mock-python."""

from __future__ import annotations

from collections.abc import Callable

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript, parse_columns, parse_udf_script
from tests.contract.case import MOCK, STRICT, Case, Failure, UdfCase
from tests.contract.compare import Difference, failure_must_be, rows_must_be
from tests.udf_runtimes import Rows, ScriptCall, run_mock, run_strict

SCHEMA = "CONTRACT"


def udf_script(case: UdfCase, schema: str = SCHEMA) -> UdfScript:
    """The script of a case."""
    return parse_udf_script(udf_statement(case), schema)


def udf_statement(case: UdfCase) -> str:
    """The CREATE SCRIPT statement of a case."""
    return f"CREATE OR REPLACE PYTHON3 {case.head} AS\n{case.body}\n"


def argument_types(case: UdfCase, script: UdfScript) -> list[ExasolType]:
    """The types of what the script is called with."""
    if script.inputs is not None:
        return [column.type for column in script.inputs]
    named = ", ".join(f"c{i} {text}" for i, text in enumerate(_split_types(case.arguments)))
    return [column.type for column in parse_columns(named)] if named else []


def run_on_strict(case: Case) -> None:
    """:raises Difference: if the case does not hold on the strict runtime."""
    assert isinstance(case, UdfCase)
    try:
        seen = run_strict(_call(case))
    except SqlError as error:
        if not isinstance(case.expected, Failure):
            raise Difference(str(error)) from error
        failure_must_be(case.expected, error.code, error.text)
        return
    _check_rows(case, seen)


def run_on_mock(case: Case) -> None:
    """:raises Difference: if the case does not hold on exasol-udf-mock-python."""
    assert isinstance(case, UdfCase)
    try:
        seen = run_mock(_call(case))
    except Exception as error:  # a script may raise whatever it likes
        text = f"{type(error).__name__}: {error}"
        if not isinstance(case.expected, Failure) or case.expected.words not in text:
            raise Difference(text) from error
        return
    _check_rows(case, seen)


SCRIPT_RUNNERS: dict[str, Callable[[Case], None]] = {STRICT: run_on_strict, MOCK: run_on_mock}


def _call(case: UdfCase) -> ScriptCall:
    script = udf_script(case)
    types = argument_types(case, script)
    columns = script.inputs or tuple(Column(str(i), type_) for i, type_ in enumerate(types))
    return ScriptCall(
        script,
        columns,
        parse_columns(case.emits) if case.emits else None,
        [list(group) for group in case.groups],
        {f"{SCHEMA}.{name}": body for name, body in case.modules.items()},
        case.connections,
    )


def _check_rows(case: UdfCase, seen: Rows) -> None:
    if isinstance(case.expected, Failure):
        raise Difference(f"expected [{case.expected.code}], got rows {seen[:5]}")
    rows_must_be(case.expected, seen, ordered="RETURNS" in case.head)


def _split_types(text: str) -> list[str]:
    """``INT, DECIMAL(9,2)`` at its outer commas."""
    parts: list[str] = []
    depth = 0
    for piece in text.split(","):
        if depth:
            parts[-1] += f",{piece}"
        elif piece.strip():
            parts.append(piece.strip())
        depth += piece.count("(") - piece.count(")")
    return parts
