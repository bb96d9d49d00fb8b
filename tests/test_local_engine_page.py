"""The page of the embedded engine names all that is supported, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exallm.local.exasol_type import ExasolType
from exallm.local.sql.functions import AGGREGATE, FUNCTIONS, SCALAR, WINDOW
from exallm.local.sql.nodes import parsed
from exallm.local.sql.statements import read_statement
from exallm.local.sql.system_tables import TABLES_BY_NAME
from exallm.local.sql_error import SqlError
from exallm_udfs.errors import ERRORS

PAGE = (Path(__file__).parents[1] / "docs" / "local-engine.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def table(section: str) -> dict[str, str]:
    """The rows of a section's table, by their first cell."""
    return dict(
        re.findall(r"^\| (?!-|kind |area |code )(.+?) \| (.+) \|$", SECTIONS[section], re.M)
    )


def test_every_function_stands_on_the_page_and_no_other() -> None:
    rows = table("Functions")
    listed = {kind: set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", text)) for kind, text in rows.items()}
    assert set.union(*listed.values()) == set(FUNCTIONS)
    assert listed["aggregates"] == set(AGGREGATE)
    assert listed["windows"] == set(WINDOW)
    assert set().union(
        *(names for kind, names in listed.items() if kind not in ("aggregates", "windows"))
    ) == set(SCALAR)


def test_every_system_table_stands_on_the_page() -> None:
    page = SECTIONS["System tables"]
    for name in TABLES_BY_NAME:
        assert name in page or re.sub("_(DBA|USER)_", "_ALL_", name) in page, name


def test_every_code_of_a_refusal_stands_on_the_page() -> None:
    codes = [code for code in ERRORS if re.fullmatch(r"E-EXALLM-LOCAL-6\d", code)]
    assert [row.strip("`") for row in table("The rule")] == codes


REFUSALS = {
    "grouping": ["SELECT A FROM T GROUP BY ALL", "SELECT DISTINCT ON (A) A FROM T"],
    "hierarchies": ["SELECT A FROM T CONNECT BY A = 1"],
    "row numbers": ["SELECT TOP 5 A FROM T"],
    "joins": ["SELECT * FROM T, U WHERE A = B (+)", "SELECT * FROM T, LATERAL (SELECT 1)"],
    "other clauses": ["SELECT A FROM T FOR UPDATE", "SELECT INTERVAL '1' DAY"],
    "comparisons": ["SELECT A = ANY (SELECT 1)", "SELECT A ILIKE 'x'"],
    "data in and out": ["IMPORT INTO T FROM LOCAL CSV FILE 'a'", "EXPORT T INTO JDBC AT C TABLE U"],
    "definitions": ["CREATE TABLE T (A INT UNIQUE)", "CREATE INDEX I ON T (A)"],
    "users": ["GRANT IMPERSONATION ON U TO R", "CREATE USER U IDENTIFIED AT LDAP AS 'x'"],
    "types": [],
    "everything of DuckDB alone": ["SELECT 1::INT", "ATTACH 'x'", "PRAGMA x", "SELECT 7 % 2"],
}


@pytest.mark.parametrize("area", REFUSALS)
def test_every_area_of_refusals_stands_on_the_page_and_is_refused(area: str) -> None:
    assert area in table("Refused by name")
    for sql in REFUSALS[area]:
        with pytest.raises(SqlError, match=r"E-EXALLM-LOCAL-6[01]"):
            read_statement(sql, "S")
    if area == "types":
        with pytest.raises(ValueError, match="not supported"):
            ExasolType.parse("GEOMETRY")


def test_every_area_of_the_page_is_tested() -> None:
    assert set(table("Refused by name")) == set(REFUSALS)


def test_a_query_of_the_page_passes() -> None:
    for sql in ("SELECT A FROM T WHERE DAY_ > '2024-01-31'", "SELECT * FROM (VALUES (1)) AS T (A)"):
        parsed(sql)
