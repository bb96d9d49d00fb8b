"""The corners of CSV in IMPORT and EXPORT: separators, delimiters, line ends, NULL, encodings."""

from __future__ import annotations

import bz2
import gzip
import io
from typing import Any

import pyexasol
import pytest
from pyexasol.query_builders.csv import ImportBuilder

Row = tuple[str | None, ...]


def imported(connection: Any, data: bytes, **options: Any) -> list[Row]:
    """The rows of a table of texts after an import of these bytes."""
    listed = ", ".join(f"C{i} VARCHAR(100)" for i in range(2))
    connection.execute(f"CREATE OR REPLACE TABLE T ({listed})")
    connection.import_from_file(io.BytesIO(data), "T", import_params=options)
    found: list[Row] = connection.execute("SELECT * FROM T").fetchall()
    return found


def exported(connection: Any, query: str, **options: Any) -> bytes:
    target = io.BytesIO()
    connection.export_to_file(target, query, export_params=options)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"a,b\nc,d\n", {}, [("a", "b"), ("c", "d")]),
        (b"a,b\nc,d", {}, [("a", "b"), ("c", "d")]),
        (b'"a,b","c""d"\n', {}, [("a,b", 'c"d')]),
        (b'"a\nb","c\r\nd"\n', {}, [("a\nb", "c\r\nd")]),
        (b'a"b,c\n', {}, [('a"b', "c")]),
        (b',""\n', {}, [(None, None)]),
        (b" , x \n", {}, [(" ", " x ")]),
        (b" , x \n", {"trim": "TRIM"}, [(None, "x")]),
        (b" a , x \n", {"trim": "LTRIM"}, [("a ", "x ")]),
        (b" a , x \n", {"trim": "RTRIM"}, [(" a", " x")]),
        # With the default, LF alone ends a row: CR is a character.
        (b"a,b\r\nc,d\r\n", {}, [("a", "b\r"), ("c", "d\r")]),
        (b"a,b\r\nc,d\r\n", {"row_separator": "CRLF"}, [("a", "b"), ("c", "d")]),
        (b'a,"b\nx"\r\nc,d\r', {"row_separator": "CRLF"}, [("a", "b\nx"), ("c", "d\r")]),
        (b'a,"b\r\nx"\r\n', {"row_separator": "CRLF"}, [("a", "b\r\nx")]),
        (b"a,b\nx\rc,d\r", {"row_separator": "CR"}, [("a", "b\nx"), ("c", "d")]),
        (b"a;b,c\n", {"column_separator": ";"}, [("a", "b,c")]),
        (b"a\tb\n", {"column_separator": "TAB"}, [("a", "b")]),
        (b"a|b\n", {"column_separator": "0x7c"}, [("a", "b")]),
        (b"'a,b','c''d'\n", {"column_delimiter": "'"}, [("a,b", "c'd")]),
        (b'"a",b"\n', {"column_delimiter": ""}, [('"a"', 'b"')]),
        (b"NULL,x\n", {"null": "NULL"}, [(None, "x")]),
        (b"head 1\n\nhead,2,3\na,b\n", {"skip": 3}, [("a", "b")]),
        (b"a,b\n", {"skip": 5}, []),
        (b"# a comment, with\n# commas\na,b\n#end", {}, [("a", "b")]),
        (b'"#a",b\nc,#d\n', {}, [("#a", "b"), ("c", "#d")]),
        (b'a,"b\n#no comment"\n#one "more\nc,d\n', {}, [("a", "b\n#no comment"), ("c", "d")]),
        ("ä,€😀\n".encode(), {}, [("ä", "€😀")]),
        ("\ufeffä,b\n".encode(), {}, [("ä", "b")]),
        ("ä,ß\n".encode("latin-1"), {"encoding": "ISO-8859-1"}, [("ä", "ß")]),
        ("я,€\n".encode("cp1251"), {"encoding": "WINDOWS-1251"}, [("я", "€")]),
        ("ä,😀\n".encode("utf-16-le"), {"encoding": "UTF-16LE"}, [("ä", "😀")]),
        (b"1,2,3\n4,5,6\n", {"csv_cols": ["3", "1"]}, [("3", "1"), ("6", "4")]),
        (b"1,2,3,4\n", {"csv_cols": ["2..3"]}, [("2", "3")]),
        (b"1,2\n", {"columns": ["C1", "C0"]}, [("2", "1")]),
        (b"1\n2\n", {"columns": ["C1"]}, [(None, "1"), (None, "2")]),
        (b"", {}, []),
    ],
)
def test_files_are_read_as_exasol_reads_them(
    connection: Any, data: bytes, options: dict[str, Any], expected: list[Row]
) -> None:
    assert imported(connection, data, **options) == expected


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"a\n", {}),
        (b"a,b,c\n", {}),
        (b"a,b\nc\n", {}),
        (b"\xff,b\n", {}),
        (b"a\r,\xff\n", {}),
        (b"a,b\n", {"csv_cols": ["1", "3"]}),
        (b"a,b\n", {"csv_cols": ["1"]}),
        (b"\x81,b\n", {"encoding": "ASCII"}),
        (b"not gzip", {"format": "gz"}),
        (gzip.compress(b"a,b\n", mtime=0)[:-4], {"format": "gz"}),
        (bz2.compress(b"a,b\n")[:-4], {"format": "bz2"}),
        (b"x" * 101 + b",b\n", {}),
    ],
)
def test_files_that_are_no_such_csv_end_in_an_error(
    connection: Any, data: bytes, options: dict[str, Any]
) -> None:
    with pytest.raises(pyexasol.exceptions.ExaImportError) as raised:
        imported(connection, data, **options)
    (error,) = [e for e in raised.value.exceptions if isinstance(e, pyexasol.ExaQueryError)]
    assert error.code in ("42636", "42000")
    assert connection.execute("SELECT COUNT(*) FROM T").fetchval() == 0


def test_packed_files_are_unpacked_and_may_be_several_in_a_row(connection: Any) -> None:
    data = b"".join(b"%d,x\n" % i for i in range(1000))
    two = gzip.compress(data[:3000]) + gzip.compress(data[3000:])
    assert len(imported(connection, two, format="gz")) == 1000
    two = bz2.compress(data[:3000]) + bz2.compress(data[3000:])
    assert len(imported(connection, two, format="bz2")) == 1000
    bomb = gzip.compress(b"#" + b"x" * 50_000_000 + b"\na,b\n")
    assert imported(connection, bomb, format="gz") == [("a", "b")]
    with pytest.raises(pyexasol.exceptions.ExaImportError, match="ZIP"):
        imported(connection, b"PK", format="zip")


@pytest.mark.parametrize(("limit", "left"), [("1", None), ("2", None), ("3", 2), ("UNLIMITED", 2)])
def test_a_reject_limit_leaves_wrong_rows_out(
    connection: Any, limit: str, left: int | None
) -> None:
    connection.execute("CREATE TABLE N (A INT, B VARCHAR(3))")
    data = b"1,a\nx,b\n2,b\n3,long\n4\n"

    def write(pipe: Any, source: bytes) -> None:
        pipe.write(source)

    original = ImportBuilder.build_query

    def with_limit(self: Any, **arguments: Any) -> str:
        return f"{original(self, **arguments)}\nREJECT LIMIT {limit}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImportBuilder, "build_query", with_limit)
        if left is None:
            with pytest.raises(pyexasol.exceptions.ExaImportError, match="ETL-"):
                connection.import_from_callback(write, data, "N")
        else:
            connection.import_from_callback(write, data, "N")
    found = connection.execute("SELECT * FROM N ORDER BY A").fetchall()
    assert found == ([] if left is None else [(1, "a"), (2, "b")])


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("SELECT 'a' AS A, 'b c' AS B", {}, b'a,"b c"\n'),
        ("SELECT 'a' AS A, 'b c' AS B", {"delimit": "ALWAYS"}, b'"a","b c"\n'),
        ("SELECT 'a' AS A, 'b c' AS B", {"delimit": "NEVER"}, b"a,b c\n"),
        ("SELECT 'a\"b' AS A", {}, b'"a""b"\n'),
        ("SELECT 'a,b' AS A", {"column_separator": ";"}, b"a,b\n"),
        ("SELECT 'a;b' AS A, 1 AS B", {"column_separator": ";"}, b'"a;b";1\n'),
        ("SELECT 1.5 AS A, -2 AS B", {"column_separator": "."}, b'"1.5".-2\n'),
        ("SELECT 1 AS A, 2 AS B", {"column_separator": "TAB"}, b"1\t2\n"),
        ("SELECT 1 AS A, 2 AS B", {"column_separator": "||"}, b"1||2\n"),
        ("SELECT 'it''s' AS A", {"column_delimiter": "'"}, b"'it''s'\n"),
        ("SELECT 1 AS A, 2 AS B", {"row_separator": "CRLF"}, b"1,2\r\n"),
        ("SELECT 1 AS A", {"row_separator": "CR"}, b"1\r"),
        ("SELECT NULL AS A, '' AS B, 1 AS C", {}, b",,1\n"),
        ("SELECT NULL AS A, 'x' AS B", {"null": "(null)"}, b"(null),x\n"),
        ("SELECT 'ä' AS A", {"encoding": "ISO-8859-1"}, "ä\n".encode("latin-1")),
        ("SELECT '#a' AS A", {}, b'"#a"\n'),
        ("SELECT TRUE AS A, FALSE AS B, CAST(NULL AS BOOLEAN) AS C", {}, b"1,0,\n"),
        ("SELECT 1 AS A, 2 AS B", {"csv_cols": ["1..2"]}, b"1,2\n"),
    ],
)
def test_files_are_written_as_exasol_writes_them(
    connection: Any, query: str, options: dict[str, Any], expected: bytes
) -> None:
    assert exported(connection, query, **options) == expected


def test_what_an_encoding_cannot_say_is_an_error(connection: Any) -> None:
    with pytest.raises(pyexasol.exceptions.ExaExportError, match="ISO8859-1 has no character"):
        exported(connection, "SELECT '€' AS A", encoding="ISO-8859-1")


@pytest.mark.parametrize("options", [{}, {"column_separator": ";", "row_separator": "CRLF"}])
def test_any_text_survives_the_way_out_and_in(connection: Any, options: dict[str, str]) -> None:
    texts = ["a", " ", ",", ";", '"', '""', "\n", "\r", "\r\n", "\t", "#", "'", "\\", "\\N", "NULL"]
    texts += ["0", "TRUE", "a,b;c", 'x"y', "\x01", "ÿþý", "😀", "line 1\nline 2\r\nline 3\r"]
    connection.execute("CREATE TABLE A (I INT, S VARCHAR(100))")
    connection.create_prepared_statement("INSERT INTO A VALUES (?, ?)").execute_prepared(
        list(enumerate(texts))
    )
    connection.execute("CREATE TABLE B (I INT, S VARCHAR(100))")
    data = exported(connection, "SELECT * FROM A", **options)
    connection.import_from_file(io.BytesIO(data), "B", import_params=options)
    found = connection.execute("SELECT S FROM B ORDER BY I").fetchall()
    assert [text for (text,) in found] == texts


def test_very_long_values_go_both_ways(connection: Any) -> None:
    connection.execute("CREATE TABLE A (I INT, S VARCHAR(2000000))")
    connection.execute("INSERT INTO A SELECT 1, LPAD('ä', 2000000, 'b ')")
    connection.execute("CREATE TABLE B (I INT, S VARCHAR(2000000))")
    data = exported(connection, "SELECT * FROM A")
    connection.import_from_file(io.BytesIO(data), "B")
    same = "SELECT COUNT(*) FROM A JOIN B ON A.S = B.S WHERE LENGTH(B.S) = 2000000"
    assert connection.execute(same).fetchval() == 1


def test_a_value_with_the_wrong_form_is_named_with_its_place(connection: Any) -> None:
    connection.execute("CREATE TABLE N (A INT, D DATE, B BOOLEAN, S VARCHAR(2))")
    for line, place in (
        (b"x,2024-01-01,1,a", "Column=0 Row=1"),
        (b"1,01.02.2024,1,a", "Column=1 Row=1"),
        (b"1,2024-02-30,1,a", "Column=1 Row=1"),
        (b"1,2024-01-01,maybe,a", "Column=2 Row=1"),
        (b"1,2024-01-01,1,abc", "Column=3 Row=1"),
        (b"1000000000000000000,2024-01-01,1,a", "Column=0 Row=1"),
    ):
        with pytest.raises(pyexasol.exceptions.ExaImportError, match=place):
            connection.import_from_file(io.BytesIO(b"1,2024-01-01,true,a\n" + line), "N")
    assert connection.execute("SELECT COUNT(*) FROM N").fetchval() == 0
