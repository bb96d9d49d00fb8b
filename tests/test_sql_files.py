"""The files of sql/ and how they are cut into statements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exallm.installer.sql_files import split_statements, sql_files
from exallm.sql_text import fold_identifier, quote_identifier, quote_text
from exallm_udfs.errors import ExallmError

FOLDERS = ("migrations", "udfs", "routines")
SQL = Path(__file__).parents[1] / "sql"


def test_statements_end_at_semicolons_outside_strings_names_and_comments() -> None:
    text = """
    -- a comment; with a semicolon
    SELECT ';' AS ";" /* ; */ FROM DUAL; -- trailing
    COMMENT ON TABLE T IS 'it''s; fine';
    """
    assert list(split_statements(text)) == [
        """SELECT ';' AS ";" /* ; */ FROM DUAL""",
        "COMMENT ON TABLE T IS 'it''s; fine'",
    ]


def test_a_script_ends_at_a_line_with_a_slash_alone() -> None:
    text = """CREATE OR REPLACE PYTHON3 SCALAR SCRIPT F (A DOUBLE) RETURNS DOUBLE AS
def run(ctx):
    return ctx.a / 2; x = "'"
/
SELECT 1 / 2;
CREATE LUA SCRIPT L () AS
local a = 1 / 2;
/
"""
    first, second, third = split_statements(text)
    assert first.endswith("""return ctx.a / 2; x = "'\"""")
    assert second == "SELECT 1 / 2"
    assert third.endswith("local a = 1 / 2;")


@pytest.mark.parametrize("text", ["SELECT 1", "CREATE LUA SCRIPT L () AS\nx = 1;\n", "SELECT ';'"])
def test_a_statement_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-3: a statement has no end: "):
        list(split_statements(text))


def test_a_text_of_comments_has_no_statements() -> None:
    assert list(split_statements("-- nothing\n/* here; */\n")) == []


def test_every_file_has_statements_and_a_comment_for_each_object() -> None:
    for folder in FOLDERS:
        files = sql_files(folder)
        assert files, folder
        for file in files:
            statements = file.statements()
            assert statements, file.name
            created = [sql for sql in statements if sql.startswith("CREATE")]
            commented = [
                sql
                for sql in statements
                if sql.startswith("COMMENT ON") or (" VIEW " in sql and "\nCOMMENT IS" in sql)
            ]
            assert len(created) == len(commented), file.name


def test_file_names_tell_their_kind_and_order() -> None:
    migrations = [file.name for file in sql_files("migrations")]
    assert migrations == sorted(migrations)
    assert [name[:4] for name in migrations] == [f"V{i:03}" for i in range(1, len(migrations) + 1)]
    assert all(file.name.startswith("U__") for file in sql_files("udfs"))
    assert all(file.name.startswith("R__") for file in sql_files("routines"))


def test_an_independent_reader_of_exasols_grammar_parses_every_file() -> None:
    command = [sys.executable, "-m", "sqlfluff", "parse", "--dialect", "exasol", "--format", "none"]
    done = subprocess.run([*command, str(SQL)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_that_reader_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.sql"
    wrong.write_text("COMMENT ON VIEW V IS 'views take their comment in CREATE VIEW';\n")
    command = [sys.executable, "-m", "sqlfluff", "parse", "--dialect", "exasol", "--format", "none"]
    assert subprocess.run([*command, str(wrong)], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    ("name", "quoted"), [("A", '"A"'), ('a"b', '"a""b"'), ("x;y", '"x;y"'), ("ä" * 128, None)]
)
def test_identifiers_are_quoted_in_one_place(name: str, quoted: str | None) -> None:
    assert quote_identifier(name) == (quoted or f'"{name}"')


@pytest.mark.parametrize("name", ["", "a" * 129, "a\0b"])
def test_what_cannot_be_an_identifier_is_refused(name: str) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DEPLOY-4"):
        quote_identifier(name)


def test_texts_are_quoted_in_one_place() -> None:
    assert quote_text("it's") == "'it''s'"
    assert quote_text(None) == "NULL"


def test_names_fold_as_exasol_folds_them() -> None:
    assert fold_identifier("sales") == "SALES"
    assert fold_identifier('"Sales ""x"""') == 'Sales "x"'
