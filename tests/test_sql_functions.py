"""Every function of the allowlist, with the value that Exasol's documentation gives for it."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyexasol
import pytest

from exallm.local.sql.functions import FUNCTIONS
from tests.sql_queries.cases import topics

# One row: the expression, what comes back.
CASES: list[tuple[str, Any]] = [
    # text
    ("ASCII('X')", 88),
    ("ASCII('')", None),
    ("ASCII('Xyz')", 88),
    ("CHARACTER_LENGTH('aeiouäöü')", 8),
    ("CHARACTER_LENGTH('')", None),
    ("CHAR_LENGTH('aeiouäöü')", 8),
    ("CHAR_LENGTH('')", None),
    ("CONCAT('abc', 'def')", "abcdef"),
    ("CONCAT('a', NULL, 'c')", "ac"),
    ("CONCAT('', NULL)", None),
    ("CONCAT('n', 1, TRUE, DATE '2024-01-31')", "n1TRUE2024-01-31"),
    ("HASH_MD5('abc')", hashlib.md5(b"abc").hexdigest()),
    ("HASH_MD5('')", None),
    ("HASH_SHA1('abc')", hashlib.sha1(b"abc").hexdigest()),
    ("HASH_SHA1('')", None),
    ("HASH_SHA256('abc')", hashlib.sha256(b"abc").hexdigest()),
    ("HASH_SHA256('ä')", hashlib.sha256("ä".encode()).hexdigest()),
    ("HASH_SHA256('')", None),
    ("INSTR('abcabcabc', 'cab')", 3),
    ("INSTR('abc', 'x')", 0),
    ("INSTR('abc', '')", None),
    ("INSTR('', 'a')", None),
    ("LCASE('AbCdEf')", "abcdef"),
    ("LCASE('')", None),
    ("LEFT('abcdef', 3)", "abc"),
    ("LEFT('abc', 9)", "abc"),
    ("LEFT('abc', 0)", None),
    ("LEFT('', 3)", None),
    ("LENGTH('abc')", 3),
    ("LENGTH('äöü')", 3),
    ("LENGTH('😀')", 1),
    ("LENGTH('')", None),
    ("LENGTH(12.50)", 5),
    ("LOCATE('cab', 'abcabcabc')", 3),
    ("LOCATE('x', 'abc')", 0),
    ("LOCATE('', 'abc')", None),
    ("LOWER('AbCdEf')", "abcdef"),
    ("LOWER('ÄÖ')", "äö"),
    ("LOWER('')", None),
    ("LPAD('abc', 5, 'X')", "XXabc"),
    ("LPAD('abc', 5)", "  abc"),
    ("LPAD('abc', 2, 'X')", "ab"),
    ("LPAD('abc', 0, 'X')", None),
    ("LPAD('abc', 5, '')", None),
    ("LPAD('', 5, 'X')", None),
    ("LTRIM('ab cdef', ' ab')", "cdef"),
    ("LTRIM('  a ')", "a "),
    ("LTRIM('   ')", None),
    ("LTRIM('')", None),
    ("MID('abcdef', 2, 3)", "bcd"),
    ("MID('', 1, 1)", None),
    ("OCTET_LENGTH('abcd')", 4),
    ("OCTET_LENGTH('äöü')", 6),
    ("OCTET_LENGTH('')", None),
    ("REPEAT('abc', 3)", "abcabcabc"),
    ("REPEAT('abc', 0)", None),
    ("REPEAT('', 3)", None),
    ("REPLACE('Apple juice is great', 'Apple', 'Orange')", "Orange juice is great"),
    ("REPLACE('abcabc', 'b')", "acac"),
    ("REPLACE('abcabc', 'b', '')", "acac"),
    ("REPLACE('abc', '', 'x')", "abc"),
    ("REPLACE('aaa', 'a')", None),
    ("REPLACE('', 'a', 'b')", None),
    ("REVERSE('abcde')", "edcba"),
    ("REVERSE('a\u0301b😀')", "😀b\u0301a"),
    ("REVERSE('')", None),
    ("RIGHT('abcdef', 3)", "def"),
    ("RIGHT('abc', 9)", "abc"),
    ("RIGHT('abc', 0)", None),
    ("RIGHT('', 1)", None),
    ("RPAD('abc', 5, 'X')", "abcXX"),
    ("RPAD('abc', 2)", "ab"),
    ("RPAD('', 5)", None),
    ("RTRIM('abcdef', 'afe')", "abcd"),
    ("RTRIM(' a  ')", " a"),
    ("RTRIM('')", None),
    ("SUBSTR('abcdef', 2, 3)", "bcd"),
    ("SUBSTR('abcdef', 3)", "cdef"),
    ("SUBSTR('abcdef', -3)", "def"),
    ("SUBSTR('abcdef', -3, 2)", "de"),
    ("SUBSTR('abcdef', 0, 2)", "ab"),
    ("SUBSTR('abcdef', 9)", None),
    ("SUBSTR('abcdef', -9, 3)", None),
    ("SUBSTR('abcdef', 2, 0)", None),
    ("SUBSTR('abcdef', 3, -2)", None),
    ("SUBSTR('', 1)", None),
    ("SUBSTRING('abcdef' FROM 4 FOR 2)", "de"),
    ("SUBSTRING('abcdef', 2)", "bcdef"),
    ("SUBSTRING('', 1, 1)", None),
    ("TO_CHAR(12.50)", "12.50"),
    ("TO_CHAR(-0.00000012)", "-0.00000012"),
    ("TO_CHAR(DATE '1999-12-31')", "1999-12-31"),
    ("TO_CHAR(TIMESTAMP '1999-12-31 23:59:00')", "1999-12-31 23:59:00.000000"),
    ("TO_CHAR(TRUE)", "TRUE"),
    ("TO_CHAR('')", None),
    ("TRIM('abcdef', 'acf')", "bcde"),
    ("TRIM('  a b ')", "a b"),
    ("TRIM('   ')", None),
    ("TRIM(' \u00a0a\u00a0 ')", "\u00a0a\u00a0"),
    ("TRIM('')", None),
    ("UCASE('AbCdEf')", "ABCDEF"),
    ("UCASE('')", None),
    ("UPPER('AbCdEf')", "ABCDEF"),
    ("UPPER('äö')", "ÄÖ"),
    ("UPPER('')", None),
    # NULL
    ("COALESCE(NULL, '', 'b', 'c')", "b"),
    ("COALESCE(NULL, '')", None),
    ("COALESCE(NULL, 2.5, 1)", Decimal("2.5")),
    ("DECODE('abc', 'xyz', 1, 'abc', 2, 3)", 2),
    ("DECODE('q', 'xyz', 1, 'abc', 2)", None),
    ("DECODE('', NULL, 'empty', 'full')", "empty"),
    ("DECODE(1, 1, '', 'x')", None),
    ("IFNULL(NULL, 'xyz')", "xyz"),
    ("IFNULL('', 'abc')", "abc"),
    ("IFNULL(1, 2)", 1),
    ("NULLIF(1, 2)", 1),
    ("NULLIF(1, 1)", None),
    ("NULLIF('a', '')", "a"),
    ("NULLIF('', 'a')", None),
    ("NULLIFZERO(0)", None),
    ("NULLIFZERO(1)", 1),
    ("NULLIFZERO(NULL)", None),
    ("NVL(NULL, 'abc')", "abc"),
    ("NVL('', 'abc')", "abc"),
    ("NVL('xyz', 'abc')", "xyz"),
    ("NVL2(NULL, 2, 3)", 3),
    ("NVL2(1, 2, 3)", 2),
    ("NVL2('', 'known', 'unknown')", "unknown"),
    ("ZEROIFNULL(NULL)", 0),
    ("ZEROIFNULL(1)", 1),
    # numbers
    ("ABS(-123)", 123),
    ("ABS(NULL)", None),
    ("CEIL(0.234)", 1),
    ("CEIL(-1.5)", -1),
    ("CEILING(2.1)", 3),
    ("EXP(1)", math.e),
    ("EXP(NULL)", None),
    ("FLOOR(4.567)", 4),
    ("FLOOR(-1.5)", -2),
    ("LN(100)", math.log(100)),
    ("MOD(15, 6)", 3),
    ("MOD(-5, 3)", -2),
    ("MOD(5.5, 2)", Decimal("1.5")),
    ("MOD(NULL, 2)", None),
    ("POWER(2, 10)", 1024.0),
    ("POWER(2, -1)", 0.5),
    ("RAND() BETWEEN 0 AND 1", True),
    ("RANDOM() BETWEEN 0 AND 1", True),
    ("ROUND(123.456, 2)", Decimal("123.46")),
    ("ROUND(2.5)", 3),
    ("ROUND(-2.5)", -3),
    ("ROUND(125, -1)", 130),
    ("ROUND(0.5e0)", 1.0),
    ("SIGN(-123)", -1),
    ("SIGN(0)", 0),
    ("SQRT(2)", math.sqrt(2)),
    # dates
    ("CURDATE() = CURRENT_DATE", True),
    ("DAY(DATE '2010-10-20')", 20),
    ("DAY('2010-10-20')", 20),
    ("DAYS_BETWEEN(DATE '1999-12-31', DATE '2000-01-01')", -1),
    ("DAYS_BETWEEN(TIMESTAMP '2000-01-01 12:00:00', TIMESTAMP '1999-12-31 00:00:00')", 1),
    ("HOUR(TIMESTAMP '2010-10-20 11:59:40.123')", 11),
    ("MINUTE(TIMESTAMP '2010-10-20 11:59:40.123')", 59),
    ("MONTH(DATE '2010-10-20')", 10),
    ("NOW() = CURRENT_TIMESTAMP", True),
    (
        "SECONDS_BETWEEN(TIMESTAMP '2000-01-01 12:01:02.345', TIMESTAMP '2000-01-01 12:00:00')",
        62.345,
    ),
    ("TO_DATE('1999-12-31')", "1999-12-31"),
    ("TO_DATE('')", None),
    ("TO_TIMESTAMP('1999-12-31 23:59:00')", "1999-12-31 23:59:00.000000"),
    ("TO_TIMESTAMP('')", None),
    ("YEAR(DATE '2010-10-20')", 2010),
    ("YEAR(NULL)", None),
    # the cluster
    ("IPROC()", 0),
    ("NPROC()", 1),
]

ROWS = "(VALUES (1, 'b', 1.5), (2, 'a', 2.5), (2, NULL, NULL), (NULL, '', 4.5)) AS T (N, S, M)"
# The expression over ROWS, what comes back for all rows as one group.
AGGREGATES: list[tuple[str, Any]] = [
    ("AVG(N)", 5 / 3),
    ("AVG(DISTINCT N)", 1.5),
    ("COUNT(*)", 4),
    ("COUNT(S)", 2),
    ("COUNT(DISTINCT N)", 2),
    ("MAX(S)", "b"),
    ("MAX(M)", Decimal("4.5")),
    ("MEDIAN(N)", 2.0),
    ("MEDIAN(CASE WHEN S IS NOT NULL THEN N END)", 1.5),
    ("MIN(S)", "a"),
    ("MIN(NULLIF(N, N))", None),
    ("STDDEV(N)", math.sqrt(1 / 3)),
    ("STDDEV(CASE WHEN S = 'a' THEN N END)", 0.0),
    ("STDDEV(NULLIF(N, N))", None),
    ("STDDEV_POP(N)", math.sqrt(2 / 9)),
    ("STDDEV_SAMP(N)", math.sqrt(1 / 3)),
    ("STDDEV_SAMP(CASE WHEN S = 'a' THEN N END)", None),
    ("SUM(N)", "5"),
    ("SUM(DISTINCT N)", "3"),
    ("SUM(M)", "8.5"),
    ("VARIANCE(N)", 1 / 3),
    ("VARIANCE(CASE WHEN S = 'a' THEN N END)", 0.0),
    ("VAR_POP(N)", 2 / 9),
    ("VAR_SAMP(N)", 1 / 3),
    ("VAR_SAMP(CASE WHEN S = 'a' THEN N END)", None),
]

# The expression over three rows (1, 'a'), (2, 'b'), (2, 'c'), in the order of N and S.
WINDOWS: list[tuple[str, list[Any]]] = [
    ("CUME_DIST() OVER (ORDER BY N)", [1 / 3, 1.0, 1.0]),
    ("DENSE_RANK() OVER (ORDER BY N)", [1, 2, 2]),
    ("FIRST_VALUE(S) OVER (ORDER BY S)", ["a", "a", "a"]),
    ("LAG(S) OVER (ORDER BY S)", [None, "a", "b"]),
    ("LAG(S, 2) OVER (ORDER BY S)", [None, None, "a"]),
    ("LAG(S, 1, 'none') OVER (ORDER BY S)", ["none", "a", "b"]),
    ("LAST_VALUE(S) OVER (ORDER BY S)", ["a", "b", "c"]),
    ("LEAD(S) OVER (ORDER BY S)", ["b", "c", None]),
    ("LEAD(S, 1, '') OVER (ORDER BY S)", ["b", "c", None]),
    ("NTILE(2) OVER (ORDER BY S)", [1, 1, 2]),
    ("PERCENT_RANK() OVER (ORDER BY N)", [0.0, 0.5, 0.5]),
    ("RANK() OVER (ORDER BY N)", [1, 2, 2]),
    ("ROW_NUMBER() OVER (ORDER BY S DESC)", [3, 2, 1]),
]

FAILURES = [
    ("ASCII('ä')", "22021"),
    ("LN(0)", "22003"),
    ("SQRT(-1)", "22003"),
    ("EXP(1000)", "22003"),
    ("POWER(0, -1)", "22003"),
    ("MOD(1, 0)", "22012"),
    ("MOD(1, 0e0)", "22012"),
    ("1 / 0", "22012"),
    ("REPEAT('a', 2000001)", "22001"),
    ("LPAD('a', 2000001)", "22001"),
    ("LENGTH(REPEAT('ab', 1000001))", "22001"),
    ("TO_DATE('31-12-1999')", "22007"),
    ("TO_DATE('1999-02-30')", "22007"),
    ("TO_DATE('infinity')", "22007"),
    ("TO_TIMESTAMP('1999-12-31T23:59:00')", "22007"),
    ("LENGTH()", "42000"),
    ("LENGTH('a', 'b')", "42000"),
    ("RANK()", "42000"),
    ("LEFT('abc', '1')", "0A000"),
    ("ABS('1')", "0A000"),
    ("YEAR(2010)", "0A000"),
    ("SUM('1')", "0A000"),
]


def name(expression: str) -> str:
    return expression.split("(")[0].removesuffix(" ")


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return found == pytest.approx(expected, rel=1e-12)
    if isinstance(expected, Decimal):
        return Decimal(found) == expected
    if isinstance(expected, int) and isinstance(found, str):
        return Decimal(found) == expected
    return type(found) is type(expected) and bool(found == expected)


def test_every_function_has_a_case() -> None:
    tested = Counter(name(expression) for expression, _ in (*CASES, *AGGREGATES, *WINDOWS))
    texts = [sql for topic in topics() for case in topic.cases for sql in case.statements]
    called = set(re.findall(r"\b([A-Z][A-Z0-9_]*)\(", "\n".join(texts)))
    assert set(tested) <= set(FUNCTIONS)
    assert set(FUNCTIONS) - set(tested) - called == set()


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_scalar_function(reader: Any, expression: str, expected: Any) -> None:
    found = reader.execute(f"SELECT {expression}").fetchval()
    assert same(found, expected), f"{found!r} is not {expected!r}"


@pytest.mark.parametrize(("expression", "expected"), AGGREGATES)
def test_aggregate_function(reader: Any, expression: str, expected: Any) -> None:
    found = reader.execute(f"SELECT {expression} FROM {ROWS}").fetchval()
    assert same(found, expected), f"{found!r} is not {expected!r}"


@pytest.mark.parametrize(("expression", "expected"), WINDOWS)
def test_window_function(reader: Any, expression: str, expected: list[Any]) -> None:
    rows = "(VALUES (1, 'a'), (2, 'b'), (2, 'c')) AS T (N, S)"
    found = reader.execute(f"SELECT N, S, {expression} FROM {rows} ORDER BY N, S").fetchall()
    for row, value in zip(found, expected, strict=True):
        assert same(row[2], value), f"{row[2]!r} is not {value!r}"


@pytest.mark.parametrize(
    "function", sorted({name(expression) for expression, _ in AGGREGATES} - {"COUNT"})
)
def test_aggregate_of_no_rows_is_null(reader: Any, function: str) -> None:
    query = f"SELECT {function}(N) FROM (VALUES (1)) AS T (N) WHERE N > 1"
    assert reader.execute(query).fetchall() == [(None,)]


@pytest.mark.parametrize(("expression", "code"), FAILURES)
def test_failure(reader: Any, expression: str, code: str) -> None:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        reader.execute(f"SELECT {expression}")
    assert failure.value.code == code, failure.value.message


def test_the_result_of_a_text_function_may_not_be_longer_than_a_varchar(reader: Any) -> None:
    with pytest.raises(pyexasol.ExaQueryError) as failure:
        reader.execute("SELECT X || X FROM (SELECT REPEAT('a', 1000001) AS X)")
    assert failure.value.code == "22001"
    assert reader.execute("SELECT LENGTH(REPEAT('ä', 2000000))").fetchval() == 2_000_000


def test_now_is_the_same_in_all_of_a_statement_and_moves_on(reader: Any) -> None:
    query = "SELECT NOW(), CURRENT_TIMESTAMP, SYSTIMESTAMP, CURRENT_DATE, SYSDATE"
    before = datetime.now(UTC).replace(tzinfo=None)
    first = reader.execute(query).fetchone()
    second = reader.execute(query).fetchone()
    assert first[0] == first[1] == first[2]
    assert first[3] == first[4] == first[0][:10]
    assert second[0] > first[0]
    assert abs(datetime.fromisoformat(first[0]) - before) < timedelta(minutes=1)


def test_random_differs_from_row_to_row(reader: Any) -> None:
    rows = reader.execute("SELECT RANDOM() FROM (VALUES (1), (2), (3)) AS T (N)").fetchall()
    assert len(set(rows)) == 3


def test_listagg_and_group_concat(reader: Any) -> None:
    values = "(VALUES (1, 'b'), (2, 'a'), (3, ''), (4, 'b')) AS T (N, S)"
    cases = {
        "LISTAGG(S, ', ') WITHIN GROUP (ORDER BY N)": "b, a, b",
        "LISTAGG(S, ', ') WITHIN GROUP (ORDER BY N DESC)": "b, a, b",
        "LISTAGG(N, '') WITHIN GROUP (ORDER BY N DESC)": "4321",
        "LISTAGG(DISTINCT S, '-') WITHIN GROUP (ORDER BY S)": "a-b",
        "GROUP_CONCAT(S ORDER BY N SEPARATOR ';')": "b;a;b",
        "GROUP_CONCAT(N ORDER BY N)": "1,2,3,4",
        "LISTAGG(NULLIF(S, S), ',') WITHIN GROUP (ORDER BY N)": None,
    }
    for expression, expected in cases.items():
        assert reader.execute(f"SELECT {expression} FROM {values}").fetchval() == expected
