"""Calls of UDF scripts in real processes: shapes, types both ways, a script's surroundings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow
import pytest

from exallm.local.exasol_type import ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.connection import Connection
from exallm.local.udf.group_spool import GroupSpool
from exallm.local.udf.script import parse_columns
from tests.udf_calls import (
    ECHO,
    ENVIRONMENT,
    INT_TO_INT,
    TEXT_TO_TEXT,
    batch,
    call,
    failure,
    numbers,
    values,
)

# --- the four shapes ---


def test_scalar_returns_keeps_the_order() -> None:
    with call(INT_TO_INT, "def run(ctx): return ctx.x * 2") as invocation:
        for count in (0, 1, 5000):
            found = invocation.scalar_values(numbers(count))
            assert found.type == pyarrow.decimal128(36, 0)
            assert found.to_pylist() == [2 * number for number in range(count)]


def test_scalar_emits_tells_where_rows_come_from() -> None:
    head = "SCALAR SCRIPT f(n INT) EMITS (i INT, t VARCHAR(9))"
    with call(head, "def run(ctx):\n    for i in range(ctx.n % 3): ctx.emit(i, str(ctx.n))") as udf:
        origins, rows = udf.scalar_rows(numbers(2000))
        assert origins.type == pyarrow.int64()
        expected = [(n, i) for n in range(2000) for i in range(n % 3)]
        assert list(zip(origins.to_pylist(), rows["I"].to_pylist(), strict=True)) == expected
        assert rows["T"].to_pylist() == [str(n) for n, _ in expected]
        origins, rows = udf.scalar_rows(batch([0, 3]))
        assert len(origins) == 0 and rows.num_rows == 0 and rows.schema.names == ["I", "T"]


def test_set_returns_gives_a_value_a_group() -> None:
    head = "SET SCRIPT f(x INT) RETURNS DOUBLE"
    body = "def run(ctx):\n    s = ctx.x\n    while ctx.next(): s += ctx.x\n    return s"
    with call(head, body) as udf:
        groups = (batch([1] * size) if size else numbers(0) for size in (3, 0, 1, 10_000))
        assert udf.group_values(groups).to_pylist() == [3.0, None, 1.0, 10_000.0]
        assert udf.group_values([]).to_pylist() == []


def test_set_emits_streams_groups_and_rows() -> None:
    head = "SET SCRIPT f(x INT) EMITS (n INT, total INT)"
    body = """
def run(ctx):
    total = ctx.x
    while ctx.next():
        total += ctx.x
    ctx.emit(ctx.size(), total)
"""
    groups = [[numbers(10), numbers(0), numbers(5)], [], [numbers(0)], [numbers(20_000)]]
    with call(head, body) as udf:
        rows = [row for found in udf.group_rows(groups) for row in found.to_pylist()]
    expected = [{"N": 15, "TOTAL": 55}, {"N": 20_000, "TOTAL": 199_990_000}]
    assert sorted(rows, key=lambda row: int(row["N"])) == expected


def test_large_groups_and_outputs_travel_in_pieces() -> None:
    head = "SET SCRIPT f(t VARCHAR(2000000)) EMITS (t VARCHAR(2000000))"
    body = (
        "def run(ctx):\n    while True:\n        ctx.emit(ctx.t)\n        if not ctx.next(): return"
    )
    asked = []

    def group() -> Iterator[pyarrow.RecordBatch]:
        for number in range(12):
            asked.append(number)
            yield batch([chr(ord("a") + number) * 1_000_000] * 4)

    with call(head, body) as udf:
        found = [part["T"].to_pylist() for part in udf.group_rows([group()])]
    assert asked == list(range(12))
    assert [len(part) for part in found] == [4] * 12
    assert [part[0][0] for part in found] == list("abcdefghijkl")


def test_a_group_beyond_the_memory_limit_is_read_from_its_file() -> None:
    with GroupSpool([ExasolType.parse("INT")], memory_limit=40) as spool:
        for start in (0, 2, 4):
            message = {"rows": 2, "columns": [[start, start + 1]]}
            frame = b'{"rows":2,"columns":[[%d,%d]]}' % (start, start + 1)
            spool.add(frame, message)
        for _ in range(2):
            assert [row for chunk in spool.chunks() for row in chunk] == [(n,) for n in range(6)]
        assert spool.size == 6


# --- types ---

TYPED = [
    ("DECIMAL(18,0)", pyarrow.array([1, None, -(10**17)])),
    ("DECIMAL(9,0)", pyarrow.array([1, None], pyarrow.int32())),
    ("DECIMAL(36,0)", pyarrow.array([10**35, None, -1], pyarrow.decimal128(38, 0))),
    (
        "DECIMAL(36,9)",
        pyarrow.array(["123456789012345678901234567.123456789", None, "-0.000000001"]),
    ),
    ("DECIMAL(36,9)", pyarrow.array([3, None])),
    ("DOUBLE", pyarrow.array([0.1, None, float("inf"), -1e308])),
    ("BOOLEAN", pyarrow.array([True, None, False])),
    ("DATE", pyarrow.array(["0001-01-01", None, "9999-12-31"])),
    ("TIMESTAMP", pyarrow.array(["2024-02-29 23:59:59.999999", None, "0001-01-01 00:00:00"])),
    ("VARCHAR(5)", pyarrow.array(["😀😀😀😀😀", None, "a\0b", 'q"\\\n', "\u2028"])),
    ("VARCHAR(9)", pyarrow.nulls(3)),
]
ARROW = {
    "DOUBLE": pyarrow.float64(),
    "BOOLEAN": pyarrow.bool_(),
    "DATE": pyarrow.date32(),
    "TIMESTAMP": pyarrow.timestamp("us"),
}


@pytest.mark.parametrize(("data_type", "given"), TYPED, ids=[str(case[0]) for case in TYPED])
def test_values_come_back_as_they_went(data_type: str, given: pyarrow.Array) -> None:
    (column,) = parse_columns(f"x {data_type}")
    wanted = ARROW.get(data_type, pyarrow.string())
    if column.type.name == "DECIMAL":
        wanted = pyarrow.decimal128(column.type.precision, column.type.scale)
        given = given.cast(pyarrow.string())
    with call(f"SCALAR SCRIPT f(x {data_type}) RETURNS {data_type}", ECHO) as udf:
        found = udf.scalar_values(batch(given))
    assert found.type == wanted
    assert found.to_pylist() == given.cast(wanted).to_pylist()


def test_values_have_pythons_types_inside() -> None:
    signature = ", ".join(f"c{i} {data_type}" for i, (data_type, _) in enumerate(TYPED[:-1]))
    body = "def run(ctx): return ' '.join(type(ctx[i]).__name__ for i in range(10))"
    rows = batch(*(column.slice(0, 1) for _, column in TYPED[:-1]))
    assert values(f"SCALAR SCRIPT f({signature}) RETURNS VARCHAR(200)", body, rows) == [
        "int int int Decimal Decimal float bool date datetime str"
    ]


def test_long_and_empty_texts() -> None:
    long = "ü" * 1_999_999 + "\0"
    assert values(TEXT_TO_TEXT, ECHO, batch([long, "", None])) == [long, None, None]
    body = "def run(ctx): return None if ctx.x is None else ''"
    assert values(TEXT_TO_TEXT, body, batch(["a", ""])) == [None, None]
    assert values(TEXT_TO_TEXT, "def run(ctx): return str(ctx.x is None)", batch([""])) == ["True"]


@pytest.mark.parametrize(
    ("data_type", "column", "code"),
    [
        ("VARCHAR(3)", ["abcd"], "22001"),
        ("DECIMAL(3,0)", [1000], "22018"),
        ("DECIMAL(5,2)", ["12345.6"], "22018"),
        ("DOUBLE", ["x"], "22018"),
        ("DATE", ["2024-13-01"], "22018"),
    ],
)
def test_input_that_does_not_fit(data_type: str, column: list[Any], code: str) -> None:
    assert failure(f"SCALAR SCRIPT f(x {data_type}) RETURNS INT", ECHO, batch(column)).code == code


def test_output_that_does_not_fit() -> None:
    error = failure("SCALAR SCRIPT f(x INT) RETURNS DECIMAL(3,0)", ECHO, batch([1000]))
    assert (error.code, error.text) == ("22003", "data exception - numeric value out of range.")


def test_variadic_arguments() -> None:
    body = "def run(ctx): return f'{ctx[0]} {ctx[1]}'"
    found = values(
        "SCALAR SCRIPT f(...) RETURNS VARCHAR(99)",
        body,
        batch([1], ["a"]),
        arguments=parse_columns('"0" INT, "1" VARCHAR(10)'),
    )
    assert found == ["1 a"]


def test_no_parameters() -> None:
    body = "def run(ctx): return 1"
    rows = pyarrow.RecordBatch.from_struct_array(pyarrow.array([{}] * 3, pyarrow.struct([])))
    assert rows.num_rows == 3
    assert values("SCALAR SCRIPT f() RETURNS INT", body, rows) == [1, 1, 1]


def test_dynamic_columns() -> None:
    head = "SET SCRIPT f(x INT) EMITS (...)"
    body = "def default_output_columns(): return 'a INT, b VARCHAR(9)'\n"
    body += "def run(ctx): ctx.emit(*(1, 'x', None)[:exa.meta.output_column_count])"
    with call(head, body) as udf:
        assert udf.output_columns() == parse_columns("a INT, b VARCHAR(9)")
        (rows,) = udf.group_rows([[numbers(1)]])
        assert rows.to_pylist() == [{"A": 1, "B": "x"}]
    with call(head, body, outputs=parse_columns("n INT")) as udf:
        (rows,) = udf.group_rows([[numbers(1)]])
        assert rows.to_pylist() == [{"N": 1}]
    with call(head, "def run(ctx): pass") as udf, pytest.raises(SqlError, match="LOCAL-30"):
        udf.output_columns()
    with call(head, "def default_output_columns(): return 'a'") as udf, pytest.raises(SqlError):
        udf.output_columns()


# --- what a script finds around it ---


def test_import_script_and_get_connection_ask_the_engine() -> None:
    environment = replace(
        ENVIRONMENT,
        scripts={"S.LIB": "def f(x): return x + exa.get_connection('C').password"},
        connections={"C": Connection("password", "a", "u", "geheim😀")},
    )
    body = "lib = exa.import_script('LIB')\ndef run(ctx): return lib.f(ctx.x)"
    assert values(TEXT_TO_TEXT, body, batch(["a", "b"]), environment=environment) == [
        "ageheim😀",
        "bgeheim😀",
    ]
    error = failure(TEXT_TO_TEXT, "exa.get_connection('D')", batch(["a"]), environment=environment)
    assert "E-EXALLM-LOCAL-29: connection D does not exist" in error.text


def test_prints_go_to_the_log_only(capfd: pytest.CaptureFixture[str]) -> None:
    body = "import sys\nprint('loading')\ndef run(ctx):\n    print(ctx.x)\n    return ctx.x"
    assert values(TEXT_TO_TEXT, body, batch(["to the log"])) == ["to the log"]
    out, err = capfd.readouterr()
    assert out == "" and re.search(r"loading\nto the log\n", err)


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXALLM_PASSWORD", "engine-secret")
    body = "%env OMP_NUM_THREADS=3;\n%env EMPTY=;\nimport os\nSEEN = dict(os.environ)\n"
    body += "def run(ctx):\n    return repr(SEEN)"
    (text,) = values(TEXT_TO_TEXT, body, batch(["x"]))
    assert "'OMP_NUM_THREADS': '3'" in text and "'EMPTY': ''" in text
    assert "'EXASOL_TELEMETRY_DISABLE': '1'" in text
    assert "engine-secret" not in text


def test_the_runtime_is_light() -> None:
    body = "import sys\nSEEN = sorted(sys.modules)\ndef run(ctx): return ' '.join(SEEN)"
    (text,) = values(TEXT_TO_TEXT, body, batch(["x"]))
    assert {"pandas", "numpy", "pyarrow", "asyncio", "tempfile"}.isdisjoint(text.split())
