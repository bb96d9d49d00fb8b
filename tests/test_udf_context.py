"""The context that scripts see: strict as the real runtime, code by code."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm.local.sql_error import SqlError
from exallm.local.udf.context import ListedRows
from tests.udf_scripts import body_of, emitted, error_of, machine, of_group, scalar

ROWS = [(1, "a"), (2, "b"), (3, "c")]


# --- columns ---


def test_columns_by_name_and_position() -> None:
    assert scalar(body_of("return ctx.x + ctx['x'] + ctx[0]")) == "aaa"


def test_columns_keep_the_spelling_of_the_signature() -> None:
    vm = machine('SCALAR SCRIPT f(Ctx INT, "A b" INT) RETURNS INT', "def run(c): return c.Ctx")
    assert vm.scalar_values([(4, 5)]) == [4]
    vm = machine('SCALAR SCRIPT f(Ctx INT, "A b" INT) RETURNS INT', "def run(c): return c['A b']")
    assert vm.scalar_values([(4, 5)]) == [5]


def test_variadic_columns() -> None:
    body = body_of(
        "return repr([ctx[0], ctx['1'], exa.meta.input_column_count,"
        " exa.meta.input_columns[1].name])"
    )
    vm = machine("SCALAR SCRIPT f(...) RETURNS VARCHAR(99)", body, '"0" INT, "1" VARCHAR(9)')
    assert vm.scalar_values([(4, "z")]) == ["[4, 'z', 2, '1']"]


@pytest.mark.parametrize(
    ("access", "code"), [("ctx.X", "1085"), ("ctx['X']", "1082"), ("ctx[1]", "1082")]
)
def test_unknown_columns(access: str, code: str) -> None:
    text = error_of(lambda: scalar(body_of(f"return {access}")))
    assert f"RuntimeError: E-UDF-CL-SL-PYTHON-{code}: " in text


# --- SCALAR ---


@pytest.mark.parametrize("call", ["next()", "reset()", "next(reset=True)"])
def test_scalar_scripts_may_not_move(call: str) -> None:
    text = error_of(lambda: scalar(body_of(f"ctx.{call}")))
    assert "F-UDF-CL-SL-PYTHON-1107: next(), reset() and emit() functions are not allowed" in text


def test_scalar_size_is_the_batch() -> None:
    vm = machine("SCALAR SCRIPT f(x INT) RETURNS INT", body_of("return ctx.size()"))
    assert vm.scalar_values([(1,), (2,), (3,)]) == [3, 3, 3]


def test_scalar_get_dataframe_never_advances() -> None:
    body = body_of("a = ctx.get_dataframe()", "b = ctx.get_dataframe(num_rows=3)")
    body += "\n    return f\"{list(a['x'])} {list(b['x'])} {ctx.x}\""
    vm = machine("SCALAR SCRIPT f(x INT) RETURNS VARCHAR(99)", body)
    assert vm.scalar_values([(1,), (2,)]) == ["[1] [1, 1, 1] 1", "[2] [2, 2, 2] 2"]
    assert "E-EXALLM-LOCAL-21" in error_of(lambda: scalar(body_of("ctx.get_dataframe('all')")))


def test_scalar_emits_belong_to_their_row() -> None:
    vm = machine(
        "SCALAR SCRIPT f(n INT) EMITS (i INT)", body_of("for i in range(ctx.n): ctx.emit(i)")
    )
    origins: list[int] = []
    rows: list[Any] = []

    def write(some_origins: list[int], some: list[Any]) -> None:
        origins.extend(some_origins)
        rows.extend(some)

    vm.scalar_rows([(2,), (0,), (1,)], write)
    assert (origins, rows) == ([0, 0, 2], [(0,), (1,), (0,)])


# --- SET ---


def test_set_moves_through_its_rows() -> None:
    body = body_of(
        "seen = [ctx.y]",
        "while ctx.next(): seen.append(ctx.y)",
        "again = [ctx.next(), ctx.next(), ctx.reset(), ctx.y, ctx.next(), ctx.y]",
        "return repr([ctx.size(), seen, again, ctx.next(reset=True), ctx.x])",
    )
    expected = [3, ["a", "b", "c"], [False, False, True, "a", True, "b"], True, 1]
    assert of_group(body, ROWS) == repr(expected)


@pytest.mark.parametrize(("access", "code"), [("ctx.x", "1084"), ("ctx['x']", "1081")])
def test_no_column_after_the_last_row(access: str, code: str) -> None:
    body = body_of("while ctx.next(): pass", f"return str({access})")
    text = error_of(lambda: of_group(body, ROWS))
    assert f"E-UDF-CL-SL-PYTHON-{code}: Iteration finished" in text


def test_get_dataframe_takes_rows_from_the_current_one_on() -> None:
    body = body_of(
        "first = ctx.get_dataframe()",
        "between = ctx.x",
        "rest = ctx.get_dataframe(num_rows=5)",
        "end = ctx.get_dataframe(num_rows=5)",
        "ctx.reset()",
        "every = ctx.get_dataframe('all', start_col=1)",
        "return repr([list(first.columns), first.values.tolist(), between,"
        " rest.values.tolist(), end, list(every.columns), every['y'].tolist()])",
    )
    expected = [["x", "y"], [[1, "a"]], 2, [[2, "b"], [3, "c"]], None, ["y"], ["a", "b", "c"]]
    assert of_group(body, ROWS) == repr(expected)


def test_get_dataframe_after_its_none() -> None:
    lines = ["ctx.get_dataframe('all')", "assert ctx.get_dataframe() is None"]
    text = error_of(lambda: of_group(body_of(*lines, "ctx.get_dataframe()"), ROWS))
    assert "E-UDF-CL-SL-PYTHON-1106: Iteration finished" in text
    lines += ["ctx.reset()", "return str(len(ctx.get_dataframe(2)))"]
    assert of_group(body_of(*lines), ROWS) == "2"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("0", "1103"),
        ("'some'", "1103"),
        ("2.0", "1103"),
        ("True", "1103"),
        ("1, -1", "1104"),
        ("1, 'x'", "1104"),
        ("1, 3", "1105"),
    ],
)
def test_get_dataframe_arguments(arguments: str, code: str) -> None:
    body = body_of(f"ctx.get_dataframe({arguments})")
    assert f"E-UDF-CL-SL-PYTHON-{code}: " in error_of(lambda: of_group(body, ROWS))


# --- RETURNS and EMITS ---


def test_returns_may_not_emit() -> None:
    assert "PYTHON-1107" in error_of(lambda: scalar(body_of("ctx.emit('x')")))
    assert "PYTHON-1107" in error_of(lambda: of_group(body_of("ctx.emit('x')"), ROWS))


def test_emits_may_not_return() -> None:
    text = error_of(lambda: emitted(body_of("return 0"), "a INT"))
    assert "E-EXALLM-LOCAL-20: run() of an EMITS script returned a value of type int" in text


@pytest.mark.parametrize(
    ("columns", "call", "code"),
    [
        ("a INT", "ctx.emit()", "1090: emit() takes exactly 1 argument (0 given)"),
        ("a INT", "ctx.emit(1, 2)", "1090: emit() takes exactly 1 argument (2 given)"),
        ("a INT, b INT", "ctx.emit(1)", "1089: emit() takes exactly 2 arguments (1 given)"),
        ("a INT, b INT", "ctx.emit(F([1]))", "1088: emit() takes exactly 2 arguments (1 given)"),
        ("a INT", "ctx.emit(F([]))", "1087: emit DataFrame is empty"),
    ],
)
def test_wrong_column_counts(columns: str, call: str, code: str) -> None:
    body = f"from pandas import DataFrame as F\n{body_of(call)}"
    text = error_of(lambda: emitted(body, columns))
    assert f"E-UDF-CL-SL-PYTHON-{code}" in text


D = decimal.Decimal
DATE = datetime.date(2024, 2, 29)
TIME = datetime.datetime(2024, 2, 29, 23, 59, 59, 999999)


@pytest.mark.parametrize(
    ("data_type", "value", "stored"),
    [
        ("INT", 7, 7),
        ("INT", D("-7.9"), -7),
        ("DECIMAL(36,0)", 10**35, 10**35),
        ("DECIMAL(36,0)", D("1.5"), 2),
        ("DECIMAL(36,9)", D("1.2345678905"), D("1.234567891")),
        ("DECIMAL(5,2)", -3, D("-3.00")),
        ("DECIMAL(2,2)", D("0E+9"), D("0.00")),
        ("DECIMAL(2,2)", D("0.004"), D("0.00")),
        ("DOUBLE", 1.5, 1.5),
        ("DOUBLE", 2, 2.0),
        ("DOUBLE", D("0.5"), 0.5),
        ("BOOLEAN", False, False),
        ("VARCHAR(3)", "öß😀", "öß😀"),
        ("VARCHAR(3)", "", None),
        ("VARCHAR(3)", "a\0b", "a\0b"),
        ("DATE", DATE, DATE),
        ("TIMESTAMP", TIME, TIME),
        ("INT", None, None),
    ],
)
def test_values_that_pass(data_type: str, value: Any, stored: Any) -> None:
    vm = machine(f"SCALAR SCRIPT f(x INT) RETURNS {data_type}", body_of("return ctx.x"))
    (found,) = vm.scalar_values([(value,)])
    assert found == stored and type(found) is type(stored)


@pytest.mark.parametrize(
    ("data_type", "value", "code"),
    [
        ("VARCHAR(9)", 1, "1091"),
        ("BOOLEAN", 1, "1091"),
        ("INT", 1.0, "1092"),
        ("VARCHAR(9)", 1.0, "1092"),
        ("INT", True, "1093"),
        ("DOUBLE", True, "1093"),
        ("INT", "1", "1094"),
        ("VARCHAR(9)", D(1), "1095"),
        ("TIMESTAMP", DATE, "1096"),
        ("DATE", TIME, "1097"),
        ("VARCHAR(9)", b"x", "1098"),
        ("VARCHAR(9)", ("x",), "1098"),
    ],
)
def test_values_of_a_wrong_type(data_type: str, value: Any, code: str) -> None:
    vm = machine(f"SCALAR SCRIPT f(x INT) RETURNS {data_type}", body_of("return ctx.x"))
    assert f"E-UDF-CL-SL-PYTHON-{code}: " in error_of(lambda: vm.scalar_values([(value,)]))


@pytest.mark.parametrize("scalar_type", ["float64", "float32", "int64", "bool_", "str_"])
def test_numpy_scalars_are_refused(scalar_type: str) -> None:
    numpy = pytest.importorskip("numpy")
    value = getattr(numpy, scalar_type)("1")
    data_type = {"bool_": "BOOLEAN", "str_": "VARCHAR(9)"}.get(scalar_type, "DOUBLE")
    vm = machine(f"SCALAR SCRIPT f(x INT) RETURNS {data_type}", body_of("return ctx.x"))
    assert "E-UDF-CL-SL-PYTHON-1098: " in error_of(lambda: vm.scalar_values([(value,)]))


@pytest.mark.parametrize(
    ("data_type", "value", "code"),
    [
        ("VARCHAR(3)", "abcd", "22001"),
        ("DECIMAL(3,0)", 1000, "22003"),
        ("DECIMAL(3,0)", -1000, "22003"),
        ("DECIMAL(36,0)", D(10) ** 36, "22003"),
        ("DECIMAL(36,9)", D(10) ** 27, "22003"),
        ("DECIMAL(3,2)", D("9.995"), "22003"),
        ("DECIMAL(3,2)", 10, "22003"),
        ("DECIMAL(3,2)", D("NaN"), "22003"),
        ("INT", D("Infinity"), "22003"),
        ("INT", D("1E+400"), "22003"),
    ],
)
def test_values_that_do_not_fit(data_type: str, value: Any, code: str) -> None:
    caught_by_the_script = ("try: ctx.emit(ctx.x)", "except Exception: pass")
    for lines in (("ctx.emit(ctx.x)",), caught_by_the_script):
        vm = machine(f"SET SCRIPT f(x INT) EMITS (y {data_type})", body_of(*lines))
        with pytest.raises(SqlError) as caught:
            vm.group_rows(ListedRows([(value,)]), lambda _origins, _rows: None)
        assert caught.value.code == code and caught.value.text.startswith("data exception - ")


def test_texts_and_timestamps_that_no_database_takes() -> None:
    assert "E-EXALLM-LOCAL-22" in error_of(lambda: scalar(body_of("return 'ok' + chr(0xD800)")))
    body = "import datetime as d\n" + body_of("return d.datetime.now(d.timezone.utc)")
    assert "E-EXALLM-LOCAL-23" in error_of(lambda: scalar(body, returns="TIMESTAMP"))


def test_frames_are_emitted_by_column() -> None:
    body = """
import datetime, decimal
import numpy, pandas
def run(ctx):
    ctx.emit(pandas.DataFrame({
        "n": [1.0, None],
        "f": numpy.array([0.5, numpy.nan]),
        "s": ["", float("nan")],
        "b": [True, None],
        "d": [datetime.date(2024, 1, 2), None],
        "t": pandas.to_datetime(["2024-01-02 03:04:05.000006", None]),
        "m": [decimal.Decimal("1.25"), 2],
    }))
    ctx.emit(pandas.DataFrame({"n": numpy.array([7], "int32"), "f": [3], "s": ["x"],
        "b": [False], "d": [None], "t": [None], "m": [None]}))
"""
    columns = "n INT, f DOUBLE, s VARCHAR(9), b BOOLEAN, d DATE, t TIMESTAMP, m DECIMAL(9,2)"
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 6)
    assert emitted(body, columns) == [
        (1, 0.5, None, True, moment.date(), moment, D("1.25")),
        (None, None, None, None, None, None, D("2.00")),
        (7, 3.0, "x", False, None, None, None),
    ]


@pytest.mark.parametrize(("values", "code"), [("[1.5]", "1092"), ("['1']", "1094")])
def test_frames_are_checked_as_values_are(values: str, code: str) -> None:
    body = f"import pandas\n{body_of(f'ctx.emit(pandas.DataFrame(dict(a={values})))')}"
    assert f"PYTHON-{code}" in error_of(lambda: emitted(body, "a INT"))


def test_output_is_handed_on_at_four_megabytes() -> None:
    vm = machine(
        "SET SCRIPT f(x INT) EMITS (y VARCHAR(2000000))",
        body_of("for i in range(10): ctx.emit('x' * 1_000_000)"),
    )
    sizes: list[int] = []
    vm.group_rows(ListedRows([(1,)]), lambda _origins, rows: sizes.append(len(rows)))
    assert sizes == [4, 4, 2]


@given(st.lists(st.integers(1, 5), max_size=12), st.integers(1, 9))
def test_a_cursor_sees_every_row_once(steps: list[int], size: int) -> None:
    body = (
        f"STEPS = {steps}\n"
        "def run(ctx):\n"
        "    seen = []\n"
        "    for step in STEPS:\n"
        "        frame = ctx.get_dataframe(step)\n"
        "        if frame is None:\n"
        "            break\n"
        "        seen.extend(frame['x'].tolist())\n"
        "    else:\n"
        "        frame = ctx.get_dataframe('all')\n"
        "        seen.extend([] if frame is None else frame['x'].tolist())\n"
        "    return str(seen)\n"
    )
    rows = [(number, "y") for number in range(size)]
    assert of_group(body, rows) == str(list(range(size)))
