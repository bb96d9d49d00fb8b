"""next, reset, size, and what is behind the last row."""

from __future__ import annotations

from tests.contract.case import MOCK, Failure, UdfCase, lines

GROUP = "next, reset, size, end of data"
SET = "SET SCRIPT F (x INT) RETURNS VARCHAR(999)"
SCALAR = "SCALAR SCRIPT F (x INT) RETURNS INT"
ROWS = [[(1,), (2,), (3,)]]

CASES = [
    UdfCase(
        GROUP,
        "next says whether there is a row",
        SET,
        lines("return repr([ctx.next(), ctx.next(), ctx.next(), ctx.next()])"),
        ROWS,
        [("[True, True, False, False]",)],
    ),
    UdfCase(
        GROUP,
        "reset goes back to the first row",
        SET,
        lines(
            "while ctx.next(): pass",
            "ctx.reset()",
            "seen = [ctx.x]",
            "while ctx.next(): seen.append(ctx.x)",
            "return repr(seen)",
        ),
        ROWS,
        [("[1, 2, 3]",)],
    ),
    UdfCase(
        GROUP,
        "reset in the middle of a group",
        SET,
        lines("ctx.next()", "a = ctx.x", "ctx.reset()", "return f'{a} {ctx.x}'"),
        ROWS,
        [("2 1",)],
    ),
    UdfCase(
        GROUP,
        "next(reset=True) is a reset",
        SET,
        lines("ctx.next()", "ctx.next(reset=True)", "return str(ctx.x)"),
        ROWS,
        [("1",)],
    ),
    UdfCase(
        GROUP,
        "reset says that there is a row",
        SET,
        lines("ctx.next()", "return repr([ctx.reset(), ctx.next(reset=True)])"),
        ROWS,
        [("[True, True]",)],
        differs={MOCK: "the mock's reset returns None"},
    ),
    UdfCase(
        GROUP,
        "size is the number of rows of the group, wherever the cursor is",
        SET,
        lines("a = ctx.size()", "while ctx.next(): pass", "return f'{a} {ctx.size()}'"),
        [*ROWS, [(4,)]],
        [("3 3",), ("1 1",)],
    ),
    UdfCase(
        GROUP,
        "a column after the last row, by attribute",
        SET,
        lines("while ctx.next(): pass", "return str(ctx.x)"),
        ROWS,
        Failure("22002", "E-UDF-CL-SL-PYTHON-1084: "),
    ),
    UdfCase(
        GROUP,
        "a column after the last row, by name",
        SET,
        lines("while ctx.next(): pass", "return str(ctx['x'])"),
        ROWS,
        Failure("22002", "E-UDF-CL-SL-PYTHON-1081: "),
    ),
    UdfCase(
        GROUP,
        "a SCALAR script may not move to the next row",
        SCALAR,
        lines("ctx.next()"),
        ROWS,
        Failure("22002", "F-UDF-CL-SL-PYTHON-1107"),
    ),
    UdfCase(
        GROUP,
        "a SCALAR script may not reset",
        SCALAR,
        lines("ctx.reset()"),
        ROWS,
        Failure("22002", "F-UDF-CL-SL-PYTHON-1107"),
    ),
    UdfCase(
        GROUP,
        "a SCALAR EMITS script may not move either",
        "SCALAR SCRIPT F (x INT) EMITS (y INT)",
        lines("ctx.next()"),
        ROWS,
        Failure("22002", "F-UDF-CL-SL-PYTHON-1107"),
    ),
    UdfCase(
        GROUP,
        "size of a SCALAR script is a batch, not less than the row",
        "SCALAR SCRIPT F (x INT) RETURNS BOOLEAN",
        lines("return ctx.size() >= 1"),
        ROWS,
        [(True,), (True,), (True,)],
    ),
]
