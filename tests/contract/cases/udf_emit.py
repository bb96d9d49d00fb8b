"""emit: values, frames, wrong counts, and much of it."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.case import MOCK, Failure, UdfCase, lines
from tests.contract.cases.udf_types import DAY, MOMENT

GROUP = "emit"
ONE, TWO = "SET SCRIPT F (x INT) EMITS (a INT)", "SET SCRIPT F (x INT) EMITS (a INT, b VARCHAR(9))"
ROWS = [[(1,)]]
PANDAS = "import datetime, decimal\nimport numpy, pandas\n"
FRAMES = "the mock emits what a frame holds as it is"


def _refused(name: str, head: str, call: str, words: str) -> UdfCase:
    return UdfCase(GROUP, name, head, PANDAS + lines(call), ROWS, Failure("22002", words))


CASES = [
    UdfCase(GROUP, "a row", TWO, lines("ctx.emit(1, 'a')"), ROWS, [(1, "a")]),
    UdfCase(
        GROUP,
        "many rows, more than one flush",
        TWO,
        lines("for i in range(20000): ctx.emit(i, 'text')"),
        ROWS,
        [(i, "text") for i in range(20_000)],
    ),
    UdfCase(
        GROUP,
        "long texts, more than one flush",
        "SET SCRIPT F (x INT) EMITS (t VARCHAR(2000000))",
        lines("for i in range(6): ctx.emit(str(i) * 1000000)"),
        ROWS,
        [(str(i) * 1_000_000,) for i in range(6)],
    ),
    UdfCase(
        GROUP,
        "a frame",
        TWO,
        PANDAS + lines("ctx.emit(pandas.DataFrame({'p': [1, 2], 'q': ['a', 'b']}))"),
        ROWS,
        [(1, "a"), (2, "b")],
    ),
    UdfCase(
        GROUP,
        "a frame is taken by position, not by name",
        TWO,
        PANDAS + lines("ctx.emit(pandas.DataFrame({'B': [1], 'A': ['a']}))"),
        ROWS,
        [(1, "a")],
    ),
    UdfCase(
        GROUP,
        "a frame of every type, with NULL",
        "SET SCRIPT F (x INT) EMITS (n INT, f DOUBLE, s VARCHAR(9), b BOOLEAN, d DATE,"
        " t TIMESTAMP, m DECIMAL(9,2))",
        PANDAS
        + lines(
            "ctx.emit(pandas.DataFrame({",
            "    'n': [7, None], 'f': [0.5, numpy.nan], 's': ['x', None],",
            "    'b': [True, None], 'd': [datetime.date(2024, 2, 29), None],",
            "    't': [datetime.datetime(2024, 2, 29, 23, 59, 59, 123000), None],",
            "    'm': [decimal.Decimal('1.25'), None]}))",
        ),
        ROWS,
        [(7, 0.5, "x", True, DAY, MOMENT, Decimal("1.25")), (None,) * 7],
        differs={MOCK: FRAMES},
    ),
    UdfCase(
        GROUP,
        "a numpy array inside a frame is no numpy scalar",
        "SET SCRIPT F (x INT) EMITS (n INT, f DOUBLE)",
        PANDAS
        + lines(
            "ctx.emit(pandas.DataFrame({'n': numpy.array([1, 2]), 'f': numpy.array([0.5, 1.5])}))"
        ),
        ROWS,
        [(1, 0.5), (2, 1.5)],
    ),
    UdfCase(
        GROUP,
        "NaN in a frame of texts is NULL",
        "SET SCRIPT F (x INT) EMITS (s VARCHAR(9))",
        PANDAS + lines("ctx.emit(pandas.DataFrame({'s': ['a', float('nan')]}))"),
        ROWS,
        [("a",), (None,)],
        differs={MOCK: "the mock raises TypeError"},
    ),
    UdfCase(
        GROUP,
        "values and frames take turns",
        ONE,
        PANDAS + lines("ctx.emit(1)", "ctx.emit(pandas.DataFrame({'a': [2, 3]}))", "ctx.emit(4)"),
        ROWS,
        [(1,), (2,), (3,), (4,)],
    ),
    _refused(
        "an empty frame", ONE, "ctx.emit(pandas.DataFrame({'a': []}))", "E-UDF-CL-SL-PYTHON-1087: "
    ),
    _refused(
        "a frame with too few columns",
        TWO,
        "ctx.emit(pandas.DataFrame({'a': [1]}))",
        "E-UDF-CL-SL-PYTHON-1088: ",
    ),
    _refused(
        "a frame with too many columns",
        ONE,
        "ctx.emit(pandas.DataFrame({'a': [1], 'b': [2]}))",
        "E-UDF-CL-SL-PYTHON-1088: ",
    ),
    _refused("too few values", TWO, "ctx.emit(1)", "E-UDF-CL-SL-PYTHON-1089: "),
    _refused("too many values", TWO, "ctx.emit(1, 'a', 2)", "E-UDF-CL-SL-PYTHON-1089: "),
    _refused("two values for one column", ONE, "ctx.emit(1, 2)", "E-UDF-CL-SL-PYTHON-1090: "),
    _refused("no value", ONE, "ctx.emit()", "E-UDF-CL-SL-PYTHON-1090: "),
    _refused("a list for a number", ONE, "ctx.emit([1])", "E-UDF-CL-SL-PYTHON-1098: "),
    _refused("a numpy scalar", ONE, "ctx.emit(numpy.int32(1))", "E-UDF-CL-SL-PYTHON-1098: "),
    UdfCase(
        GROUP,
        "an emit that fails can be caught, and the next one works",
        ONE,
        lines("try: ctx.emit('x')", "except Exception: pass", "ctx.emit(2)"),
        ROWS,
        [(2,)],
    ),
    UdfCase(
        GROUP,
        "emitting from several groups",
        ONE,
        lines("for i in range(ctx.x): ctx.emit(ctx.x)"),
        [[(1,)], [(2,)], [(3,)]],
        [(1,), (2,), (2,), (3,), (3,), (3,)],
    ),
]
