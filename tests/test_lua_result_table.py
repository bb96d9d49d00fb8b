"""The table that a Lua script returns: column lists and cells."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.lua.result_table import convert_cell, parse_columns
from exallm.local.lua.session import LuaCell, SqlValue
from exallm.local.sql_error import SqlError


def test_reads_names_and_types() -> None:
    assert parse_columns('id INT, "my ""x, y" VARCHAR(10) UTF8,\n Score DECIMAL(10, 2) ') == (
        Column("ID", ExasolType("DECIMAL", precision=18)),
        Column('my "x, y', ExasolType("VARCHAR", size=10)),
        Column("SCORE", ExasolType("DECIMAL", precision=10, scale=2)),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "syntax error"),
        ("ID", "syntax error"),
        ("ID INT,", "ends in ','"),
        ("ID INT, , X INT", "syntax error"),
        ("ID GEOMETRY", "column ID .* data type GEOMETRY is not supported"),
        ("ID VARCHAR(0)", "column ID .* outside"),
    ],
)
def test_refuses_what_is_no_column_list(text: str, problem: str) -> None:
    with pytest.raises(SqlError, match=problem) as caught:
        parse_columns(text)
    assert caught.value.code == "42000"


@pytest.mark.parametrize(
    ("value", "type_", "cell"),
    [
        (None, "INT", None),
        ("", "VARCHAR(5)", None),
        (5, "VARCHAR(5)", "5"),
        (Decimal("1.50"), "VARCHAR(5)", "1.50"),
        (5.0, "DECIMAL(3,0)", 5),
        ("12", "DECIMAL(3,0)", 12),
        (2.675, "DECIMAL(9,2)", Decimal("2.68")),
        (Decimal("-0.005"), "DECIMAL(9,2)", Decimal("-0.01")),
        (0.1, "DECIMAL(36,36)", Decimal("0." + "1".ljust(36, "0"))),
        (1, "DOUBLE", 1.0),
        (True, "BOOLEAN", True),
        ("2026-02-28", "DATE", date(2026, 2, 28)),
        ("2026-02-28 23:59:59.000001", "TIMESTAMP", datetime(2026, 2, 28, 23, 59, 59, 1)),
    ],
)
def test_cells_become_what_their_type_says(
    value: LuaCell | None, type_: str, cell: SqlValue
) -> None:
    converted = convert_cell(value, ExasolType.parse(type_), "row 1, column X")
    assert (converted, type(converted)) == (cell, type(cell))


@pytest.mark.parametrize(
    ("value", "type_", "code"),
    [
        ("123456", "VARCHAR(5)", "22001"),
        (1000, "DECIMAL(3,0)", "22001"),
        (999.5, "DECIMAL(3,0)", "22001"),
        (True, "VARCHAR(5)", "22018"),
        (True, "DECIMAL(3,0)", "22018"),
        (float("inf"), "DECIMAL(3,0)", "22018"),
        (float("nan"), "DOUBLE", "22018"),
        ("x", "DOUBLE", "22018"),
        ("true", "BOOLEAN", "22018"),
        (20260228, "DATE", "22018"),
        ("2026-02-30", "DATE", "22018"),
        (5, "TIMESTAMP", "22018"),
    ],
)
def test_cells_that_do_not_fit_are_refused_with_their_place(
    value: LuaCell, type_: str, code: str
) -> None:
    with pytest.raises(SqlError, match="row 2, column X") as caught:
        convert_cell(value, ExasolType.parse(type_), "row 2, column X")
    assert caught.value.code == code


def test_without_a_type_a_cell_stays_as_it_is() -> None:
    assert convert_cell(Decimal("1.50"), None, "row 1, column X") == Decimal("1.50")
