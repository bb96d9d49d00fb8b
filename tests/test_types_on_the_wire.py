"""Every data type: how it is declared, stored, compared and sent, and what it refuses."""

from __future__ import annotations

from typing import Any

import pyexasol
import pytest


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def refused(connection: Any, sql: str) -> tuple[str, str]:
    """Code and text of the error that a statement ends in."""
    with pytest.raises(pyexasol.ExaQueryError) as caught:
        connection.execute(sql)
    return caught.value.code, caught.value.message


TRUNCATION = ("22001", "data exception - string data, right truncation.")

# Type as declared, as the system tables spell it, as results describe it, a value, as it is sent.
TYPES: list[tuple[str, str, dict[str, Any], str, object]] = [
    ("DECIMAL(18,0)", "DECIMAL(18,0)", {"precision": 18, "scale": 0}, "-5", -5),
    ("DECIMAL(19,0)", "DECIMAL(19,0)", {"precision": 19, "scale": 0}, "-5", "-5"),
    ("DECIMAL(5,2)", "DECIMAL(5,2)", {"precision": 5, "scale": 2}, "1.5", "1.50"),
    ("DECIMAL(36,36)", "DECIMAL(36,36)", {"precision": 36, "scale": 36}, "0", "0." + "0" * 36),
    ("BIGINT", "DECIMAL(36,0)", {"precision": 36, "scale": 0}, "7", "7"),
    ("DOUBLE PRECISION", "DOUBLE", {}, "0.1", 0.1),
    ("BOOLEAN", "BOOLEAN", {}, "'t'", True),
    ("DATE", "DATE", {"size": 4}, "'2024-02-29'", "2024-02-29"),
    (
        "TIMESTAMP",
        "TIMESTAMP(3)",
        {"size": 16, "withLocalTimeZone": False},
        "'2024-02-29 01:02:03.123456'",
        "2024-02-29 01:02:03.123000",
    ),
    (
        "TIMESTAMP(6)",
        "TIMESTAMP(6)",
        {"size": 16, "withLocalTimeZone": False},
        "'1969-12-31 23:59:59.999999'",
        "1969-12-31 23:59:59.999999",
    ),
    (
        "TIMESTAMP(0)",
        "TIMESTAMP(0)",
        {"size": 16, "withLocalTimeZone": False},
        "'1969-12-31 23:59:59.999'",
        "1969-12-31 23:59:59.000000",
    ),
    (
        "TIMESTAMP(1) WITH LOCAL TIME ZONE",
        "TIMESTAMP(1) WITH LOCAL TIME ZONE",
        {"size": 16, "withLocalTimeZone": True},
        "'2024-02-29 01:02:03.19'",
        "2024-02-29 01:02:03.100000",
    ),
    (
        "INTERVAL YEAR TO MONTH",
        "INTERVAL YEAR(2) TO MONTH",
        {"size": 6, "precision": 2},
        "'3-11'",
        "+03-11",
    ),
    (
        "INTERVAL YEAR(4) TO MONTH",
        "INTERVAL YEAR(4) TO MONTH",
        {"size": 8, "precision": 4},
        "'-2-03'",
        "-0002-03",
    ),
    (
        "INTERVAL DAY TO SECOND",
        "INTERVAL DAY(2) TO SECOND(3)",
        {"size": 16, "precision": 2, "fraction": 3},
        "'1 12:00:30.1236'",
        "+01 12:00:30.123",
    ),
    (
        "INTERVAL DAY(9) TO SECOND(6)",
        "INTERVAL DAY(9) TO SECOND(6)",
        {"size": 26, "precision": 9, "fraction": 6},
        "'-2 03:04:05.123'",
        "-000000002 03:04:05.123000",
    ),
    (
        "HASHTYPE",
        "HASHTYPE(16 BYTE)",
        {"size": 32},
        "'{550E8400-E29B-11D4-A716-446655440000}'",
        "550e8400e29b11d4a716446655440000",
    ),
    ("HASHTYPE(16 BIT)", "HASHTYPE(2 BYTE)", {"size": 4}, "'AB-CD'", "abcd"),
    ("CHAR(5)", "CHAR(5) UTF8", {"size": 5, "characterSet": "UTF8"}, "'äb'", "äb   "),
    ("CHAR", "CHAR(1) UTF8", {"size": 1, "characterSet": "UTF8"}, "'x'", "x"),
    ("VARCHAR(5)", "VARCHAR(5) UTF8", {"size": 5, "characterSet": "UTF8"}, "'äb '", "äb "),
    ("VARCHAR(5) ASCII", "VARCHAR(5) ASCII", {"size": 5, "characterSet": "ASCII"}, "'ab'", "ab"),
    (
        "LONG VARCHAR",
        "VARCHAR(2000000) UTF8",
        {"size": 2_000_000, "characterSet": "UTF8"},
        "'x'",
        "x",
    ),
]
NAMES = {"DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN", "DATE": "DATE"}


def base_name(spelled: str) -> str:
    """The name of a type without its digits."""
    for part in ("INTERVAL YEAR", "INTERVAL DAY", "TIMESTAMP"):
        if spelled.startswith(part):
            ends = {"INTERVAL YEAR": " TO MONTH", "INTERVAL DAY": " TO SECOND", "TIMESTAMP": ""}
            zone = " WITH LOCAL TIME ZONE" if spelled.endswith("ZONE") else ends[part]
            return part + zone
    return spelled.partition("(")[0]


@pytest.mark.parametrize(("declared", "spelled", "facts", "value", "sent"), TYPES)
class TestEveryType:
    def test_in_a_table(
        self,
        connection: Any,
        declared: str,
        spelled: str,
        facts: dict[str, Any],
        value: str,
        sent: object,
    ) -> None:
        connection.execute(f"CREATE TABLE T (A {declared}, B {declared})")
        connection.execute(f"INSERT INTO T VALUES ({value}, NULL)")
        statement = connection.execute("SELECT A, B FROM T")
        assert statement.columns()["A"] == {"type": base_name(spelled), **facts}
        assert statement.fetchall() == [(sent, None)]
        types = "SELECT COLUMN_TYPE FROM EXA_ALL_COLUMNS WHERE COLUMN_SCHEMA = CURRENT_SCHEMA"
        assert set(rows(connection, types)) == {(spelled,)}
        connection.execute("CREATE TABLE U AS SELECT A, B FROM T")
        connection.execute("CREATE VIEW V AS SELECT A, B FROM U")
        assert set(rows(connection, types)) == {(spelled,)}
        assert rows(connection, "SELECT * FROM V WHERE A = A") == [(sent, None)]

    def test_casts_and_conversions(
        self,
        connection: Any,
        declared: str,
        spelled: str,
        facts: dict[str, Any],
        value: str,
        sent: object,
    ) -> None:
        statement = connection.execute(f"SELECT CAST({value} AS {declared}) AS A")
        assert statement.fetchval() == sent
        if not isinstance(sent, (bool, int, float)) and "DECIMAL" not in spelled:
            assert statement.columns()["A"] == {"type": base_name(spelled), **facts}
        # From a text that the statement does not hold.
        text = value if value.startswith("'") else f"'{value}'"
        connection.execute(f"CREATE TABLE T AS SELECT {text} AS X")
        query = f"SELECT CAST(X AS {declared}) AS A FROM T"
        assert rows(connection, query) == [(sent,)]
        # To a text and back.
        query = f"SELECT CAST(CAST(CAST(X AS {declared}) AS VARCHAR(100)) AS {declared}) FROM T"
        assert rows(connection, query) == [(sent,)]
        assert rows(connection, f"SELECT CAST(NULL AS {declared})") == [(None,)]
        assert rows(connection, f"SELECT CAST('' AS {declared})") == [(None,)]

    def test_sorting_grouping_and_comparing(
        self,
        connection: Any,
        declared: str,
        spelled: str,
        facts: dict[str, Any],
        value: str,
        sent: object,
    ) -> None:
        connection.execute(f"CREATE TABLE T (A {declared})")
        connection.execute(f"INSERT INTO T VALUES ({value}), ({value}), (NULL)")
        query = "SELECT A, COUNT(*) FROM T GROUP BY A ORDER BY A"
        assert rows(connection, query) == [(sent, 2), (None, 1)]
        assert rows(connection, "SELECT MIN(A), MAX(A) FROM T") == [(sent, sent)]
        assert rows(connection, "SELECT DISTINCT A FROM T WHERE A IS NOT NULL") == [(sent,)]
        if spelled != "TIMESTAMP(3)" and "TIMESTAMP(0" not in spelled and "(1) WITH" not in spelled:
            assert rows(connection, f"SELECT COUNT(*) FROM T WHERE A = {value}") == [(2,)]
        both = "SELECT A FROM T UNION SELECT A FROM T"
        assert sorted(rows(connection, both), key=str) == sorted([(sent,), (None,)], key=str)
        assert rows(connection, "SELECT COALESCE(A, A) FROM T WHERE A IN (A)")[0] == (sent,)


class TestTexts:
    def test_lengths_are_counted_in_characters(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A VARCHAR(3), B CHAR(3))")
        connection.execute("INSERT INTO T VALUES ('äöü', '漢字')")
        assert refused(connection, "INSERT INTO T (A) VALUES ('äöü ')") == TRUNCATION
        assert refused(connection, "INSERT INTO T (B) VALUES ('abcd')") == TRUNCATION
        assert refused(connection, "UPDATE T SET A = A || 'x'") == TRUNCATION
        assert refused(connection, "UPDATE T SET B = A || 'x'") == TRUNCATION
        assert rows(connection, "SELECT A, B, LENGTH(B) FROM T") == [("äöü", "漢字 ", 3)]

    def test_a_column_that_is_added_keeps_its_type(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A INT)")
        connection.execute("ALTER TABLE T ADD COLUMN B VARCHAR(2)")
        connection.execute("INSERT INTO T VALUES (1, 'ab')")
        assert refused(connection, "UPDATE T SET B = B || 'c'") == TRUNCATION
        connection.execute("ALTER TABLE T RENAME COLUMN B TO C")
        statement = connection.execute("SELECT C FROM T")
        assert statement.columns()["C"]["size"] == 2

    def test_ascii_takes_no_other_characters(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A VARCHAR(5) ASCII, B VARCHAR(5))")
        connection.execute("INSERT INTO T VALUES ('ab', 'äb')")
        code, text = refused(connection, "INSERT INTO T (A) VALUES ('ä')")
        assert (code, text) == ("22021", "data exception - character not in repertoire.")
        assert refused(connection, "UPDATE T SET A = B")[0] == "22021"

    def test_char_is_compared_as_if_both_had_one_length(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A CHAR(5), B CHAR(3), C VARCHAR(5))")
        connection.execute("INSERT INTO T VALUES ('ab', 'ab', 'ab')")
        for condition in ("A = 'ab'", "A = 'ab '", "A = B", "A IN ('x', 'ab')", "A >= 'ab'"):
            assert rows(connection, f"SELECT COUNT(*) FROM T WHERE {condition}") == [(1,)], (
                condition
            )
        assert rows(connection, "SELECT COUNT(*) FROM T WHERE A = ' ab'") == [(0,)]
        assert rows(connection, "SELECT COUNT(*) FROM T WHERE RTRIM(A) = C") == [(1,)]
        code, text = refused(connection, "SELECT * FROM T WHERE A = C")
        assert code == "0A000"
        assert "CHAR and VARCHAR in a comparison" in text
        assert rows(connection, "SELECT A || '|' FROM T") == [("ab   |",)]

    def test_the_empty_text_is_null(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A CHAR(2), B VARCHAR(2), C HASHTYPE(1 BYTE))")
        connection.execute("INSERT INTO T VALUES ('', '', '')")
        assert rows(connection, "SELECT * FROM T WHERE A IS NULL") == [(None, None, None)]

    @pytest.mark.parametrize("type_", ["CHAR(2001)", "VARCHAR(2000001)", "VARCHAR(0)", "CHAR(0)"])
    def test_sizes_that_there_are_not(self, connection: Any, type_: str) -> None:
        code, text = refused(connection, f"CREATE TABLE T (A {type_})")
        assert code == "42000"
        assert "is outside 1 to" in text


class TestHashes:
    def test_every_way_to_write_one(self, connection: Any) -> None:
        digits = "550e8400e29b11d4a716446655440000"
        connection.execute("CREATE TABLE T (H HASHTYPE)")
        for text in (
            "550e8400-e29b-11d4-a716-446655440000",
            "{550e8400-e29b-11d4-a716-446655440000}",
            "550E8400E29B11D4A716446655440000",
            "550e-8400-e29b-11d4-a716-4466-5544-0000",
        ):
            connection.execute(f"INSERT INTO T VALUES ('{text}')")
            assert rows(connection, f"SELECT DISTINCT H FROM T WHERE H = '{text}'") == [(digits,)]
        assert rows(connection, "SELECT COUNT(*) FROM T WHERE H IN (H)") == [(4,)]

    @pytest.mark.parametrize("text", ["55", "5" * 34, "g" * 32])
    def test_what_is_none(self, connection: Any, text: str) -> None:
        connection.execute("CREATE TABLE T (H HASHTYPE)")
        assert refused(connection, f"INSERT INTO T VALUES ('{text}')")[0] == "22018"
        connection.execute(f"CREATE TABLE U AS SELECT '{text}' AS X")
        assert refused(connection, "INSERT INTO T SELECT X FROM U")[0] == "22018"

    def test_a_hash_is_no_text_and_no_number(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (H HASHTYPE, C VARCHAR(40))")
        assert "HASHTYPE and VARCHAR" in refused(connection, "SELECT * FROM T WHERE H = C")[1]
        assert refused(connection, "SELECT CAST(5 AS HASHTYPE)")[0] == "0A000"
        assert refused(connection, "CREATE TABLE U (H HASHTYPE(7 BIT))")[0] == "42000"


class TestTimes:
    def test_digits_of_a_second_are_cut_off(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A TIMESTAMP(6), B TIMESTAMP(4), C TIMESTAMP)")
        value = "'1960-01-01 00:00:00.987654'"
        connection.execute(f"INSERT INTO T (A) VALUES ({value})")
        connection.execute("UPDATE T SET B = A, C = A")
        head = "1960-01-01 00:00:00."
        assert rows(connection, "SELECT * FROM T") == [
            (head + "987654", head + "987600", head + "987000")
        ]

    def test_local_time_is_utc(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A TIMESTAMP WITH LOCAL TIME ZONE, B TIMESTAMP)")
        connection.execute("INSERT INTO T VALUES ('2024-03-31 02:30:00', '2024-03-31 02:30:00')")
        assert rows(connection, "SELECT COUNT(*) FROM T WHERE A = B") == [(1,)]
        assert rows(connection, "SELECT CAST(A AS DATE) FROM T") == [("2024-03-31",)]
        code, text = refused(connection, "ALTER SESSION SET TIME_ZONE = 'EUROPE/BERLIN'")
        assert (code, "another TIME_ZONE than UTC" in text) == ("0A000", True)

    @pytest.mark.parametrize("type_", ["TIMESTAMP(7)", "TIMESTAMP(9) WITH LOCAL TIME ZONE"])
    def test_more_digits_than_six_are_refused(self, connection: Any, type_: str) -> None:
        code, text = refused(connection, f"CREATE TABLE T (A {type_})")
        assert code == "0A000"
        assert f"data type {type_}" in text


class TestIntervals:
    def test_they_sort_by_their_length(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A INTERVAL YEAR TO MONTH, B INTERVAL DAY TO SECOND)")
        connection.execute(
            "INSERT INTO T VALUES ('10-00', '-1 00:00:00'), ('-9-11', '2 00:00:00.5'),"
            " ('2-00', '1 23:59:59')"
        )
        assert rows(connection, "SELECT A FROM T ORDER BY A") == [
            ("-09-11",),
            ("+02-00",),
            ("+10-00",),
        ]
        assert rows(connection, "SELECT B FROM T WHERE B > '1 23:59:59.9'") == [
            ("+02 00:00:00.500",)
        ]
        assert rows(connection, "SELECT 'in ' || B FROM T ORDER BY B DESC")[0] == (
            "in +02 00:00:00.500",
        )

    @pytest.mark.parametrize(
        ("type_", "text", "code"),
        [
            ("INTERVAL YEAR TO MONTH", "1-12", "22006"),
            ("INTERVAL YEAR TO MONTH", "1", "22006"),
            ("INTERVAL YEAR TO MONTH", "100-00", "22015"),
            ("INTERVAL DAY TO SECOND", "1 24:00:00", "22006"),
            ("INTERVAL DAY TO SECOND", "100 00:00:00", "22015"),
        ],
    )
    def test_what_is_none(self, connection: Any, type_: str, text: str, code: str) -> None:
        assert refused(connection, f"SELECT CAST('{text}' AS {type_})")[0] == code
        connection.execute(f"CREATE TABLE T AS SELECT '{text}' AS X")
        assert refused(connection, f"SELECT CAST(X AS {type_}) FROM T")[0] == code

    def test_nothing_is_calculated_with_them(self, connection: Any) -> None:
        connection.execute("CREATE TABLE T (A INTERVAL YEAR TO MONTH)")
        assert refused(connection, "SELECT A + A FROM T")[0] == "0A000"
        assert refused(connection, "SELECT SUM(A) FROM T")[0] == "0A000"
        assert refused(connection, "SELECT CAST(A AS INT) FROM T")[0] == "0A000"


def test_types_that_there_are_not(connection: Any) -> None:
    code, text = refused(connection, "CREATE TABLE T (A GEOMETRY)")
    assert (code, "data type GEOMETRY" in text) == ("0A000", True)


def test_names_fold_to_upper_case(connection: Any) -> None:
    connection.execute('CREATE TABLE t (a INT, "a" INT)')
    statement = connection.execute("SELECT * FROM T")
    assert statement.column_names() == ["A", "a"]


def test_values_reach_a_script_as_texts(connection: Any) -> None:
    connection.execute(
        "CREATE PYTHON3 SCALAR SCRIPT DESCRIBED(...) RETURNS VARCHAR(200) AS\n"
        "def run(ctx):\n    return repr([ctx[i] for i in range(exa.meta.input_column_count)])\n"
    )
    connection.execute("CREATE TABLE T (A CHAR(3), B HASHTYPE(1 BYTE), C INTERVAL YEAR TO MONTH)")
    connection.execute("INSERT INTO T VALUES ('x', 'ab', '1-02')")
    assert rows(connection, "SELECT DESCRIBED(A, B, C) FROM T") == [("['x  ', 'ab', '+01-02']",)]
    code, text = refused(
        connection, "CREATE PYTHON3 SCALAR SCRIPT F(A CHAR(3)) RETURNS INT AS\nx = 1\n"
    )
    assert (code, "data type CHAR is not supported in scripts" in text) == ("0A000", True)


def test_markers_beside_every_type(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE T (A CHAR(5), B HASHTYPE(1 BYTE), C INTERVAL YEAR TO MONTH, D TIMESTAMP(0))"
    )
    prepared = connection.create_prepared_statement("INSERT INTO T VALUES (?, ?, ?, ?)")
    prepared.execute_prepared([("ab", "AB", "-1-02", "2024-01-31 00:00:00.5")])
    for column, value in (("A", "ab "), ("B", "a-b"), ("C", "-1-02"), ("D", "2024-01-31 00:00:00")):
        found = connection.create_prepared_statement(f"SELECT {column} FROM T WHERE {column} = ?")
        found.execute_prepared([(value,)])
        assert found.rowcount() == 1, column
    every = connection.create_prepared_statement("SELECT * FROM T")
    assert [kind["type"] for kind in every.columns().values()] == [
        *("CHAR", "HASHTYPE", "INTERVAL YEAR TO MONTH", "TIMESTAMP")
    ]
    assert connection.export_to_list("SELECT A, C FROM T") == [["ab   ", "-01-02"]]


def test_a_literal_keeps_its_digits_of_a_second(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A TIMESTAMP(6), B TIMESTAMP)")
    value = "TIMESTAMP '2024-01-31 00:00:00.123456'"
    connection.execute(f"INSERT INTO T VALUES ({value}, {value})")
    assert rows(connection, "SELECT * FROM T") == [
        ("2024-01-31 00:00:00.123456", "2024-01-31 00:00:00.123000")
    ]
