"""NULL, in and out."""

from __future__ import annotations

from tests.contract.case import MOCK, UdfCase, lines
from tests.contract.cases.udf_types import VALUES

GROUP = "NULL in scripts"

CASES = [
    *(
        UdfCase(
            GROUP,
            f"NULL of {data_type} is None, and None is NULL",
            f"SCALAR SCRIPT F (x {data_type}) RETURNS {data_type}",
            lines("assert ctx.x is None", "return ctx.x"),
            [[(None,), (None,)]],
            [(None,), (None,)],
        )
        for data_type, _, _ in VALUES
    ),
    UdfCase(
        GROUP,
        "an empty text that a script returns is NULL",
        "SCALAR SCRIPT F (x VARCHAR(9)) RETURNS VARCHAR(9)",
        lines("return ''"),
        [[("a",)]],
        [(None,)],
        differs={MOCK: "the mock keeps an empty text"},
    ),
    UdfCase(
        GROUP,
        "an empty text that a script emits is NULL",
        "SET SCRIPT F (x INT) EMITS (a VARCHAR(9), b INT)",
        lines("ctx.emit('', 1)", "ctx.emit('x', None)"),
        [[(1,)]],
        [(None, 1), ("x", None)],
        differs={MOCK: "the mock keeps an empty text"},
    ),
    UdfCase(
        GROUP,
        "a run that returns nothing gives NULL",
        "SCALAR SCRIPT F (x INT) RETURNS INT",
        lines("pass"),
        [[(1,), (2,)]],
        [(None,), (None,)],
    ),
    UdfCase(
        GROUP,
        "NULL is a row like others in a group",
        "SET SCRIPT F (x INT) RETURNS VARCHAR(99)",
        lines("seen = [ctx.x]", "while ctx.next(): seen.append(ctx.x)", "return repr(seen)"),
        [[(1,), (None,), (3,)], [(None,)]],
        [("[1, None, 3]",), ("[None]",)],
    ),
    UdfCase(
        GROUP,
        "a frame of numbers and texts holds NULL",
        "SET SCRIPT F (x INT, y VARCHAR(9)) RETURNS VARCHAR(99)",
        lines("f = ctx.get_dataframe('all')", "return repr(f.isna().values.tolist())"),
        [[(1, None), (None, "b")]],
        [("[[False, True], [True, False]]",)],
    ),
]
