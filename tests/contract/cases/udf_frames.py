"""get_dataframe in all its forms."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contract.case import MOCK, Failure, Row, UdfCase, lines

GROUP = "get_dataframe"
SET = "SET SCRIPT F (x INT, y VARCHAR(9)) RETURNS VARCHAR(999)"
SCALAR = "SCALAR SCRIPT F (x INT, y VARCHAR(9)) RETURNS VARCHAR(999)"
ROWS = [[(1, "a"), (2, "b"), (3, "c")]]
NO_DEFAULT = "the mock wants a number of rows"
REPEATS = "the mock's get_dataframe moves in a SCALAR script too"


def _form(
    name: str,
    body: list[str],
    expected: Sequence[Row] | Failure,
    mock: str = "",
    head: str = SET,
) -> UdfCase:
    return UdfCase(
        GROUP,
        name,
        head,
        lines(*body),
        ROWS,
        expected,
        differs={MOCK: mock} if mock else {},
    )


def _refused(arguments: str, code: int) -> UdfCase:
    return _form(
        f"get_dataframe({arguments}) is refused",
        [f"ctx.get_dataframe({arguments})"],
        Failure("22002", f"E-UDF-CL-SL-PYTHON-{code}: "),
    )


CASES = [
    _form(
        "'all' gives all rows with the parameters' names",
        ["f = ctx.get_dataframe('all')", "return f'{list(f.columns)} {f.values.tolist()}'"],
        [("['x', 'y'] [[1, 'a'], [2, 'b'], [3, 'c']]",)],
    ),
    _form(
        "the default is one row",
        ["return repr(ctx.get_dataframe().values.tolist())"],
        [("[[1, 'a']]",)],
        NO_DEFAULT,
    ),
    _form(
        "pieces of a number of rows, fewer at the end, then None",
        [
            "seen = []",
            "while True:",
            "    f = ctx.get_dataframe(num_rows=2)",
            "    if f is None: break",
            "    seen.append(len(f))",
            "return repr(seen)",
        ],
        [("[2, 1]",)],
    ),
    _form(
        "the cursor stands behind the rows of a frame",
        ["ctx.get_dataframe(num_rows=2)", "return str(ctx.x)"],
        [("3",)],
    ),
    _form(
        "a frame begins at the cursor",
        ["ctx.next()", "return repr(ctx.get_dataframe('all')['x'].tolist())"],
        [("[2, 3]",)],
    ),
    _form(
        "start_col leaves out columns",
        ["return repr(list(ctx.get_dataframe('all', start_col=1).columns))"],
        [("['y']",)],
    ),
    _form(
        "after the last row it is None once",
        ["ctx.get_dataframe('all')", "return repr(ctx.get_dataframe('all'))"],
        [("None",)],
    ),
    _form(
        "after its None it is an error",
        ["ctx.get_dataframe('all')", "ctx.get_dataframe(1)", "ctx.get_dataframe(1)"],
        Failure("22002", "E-UDF-CL-SL-PYTHON-1106: "),
    ),
    _form(
        "reset makes frames begin again",
        [
            "ctx.get_dataframe('all')",
            "ctx.get_dataframe(1)",
            "ctx.reset()",
            "return str(len(ctx.get_dataframe('all')))",
        ],
        [("3",)],
    ),
    _form(
        "more rows than there are",
        ["return str(len(ctx.get_dataframe(num_rows=100)))"],
        [("3",)],
    ),
    _form(
        "the index of a frame counts from 0",
        ["ctx.next()", "return repr(ctx.get_dataframe('all').index.tolist())"],
        [("[0, 1]",)],
    ),
    _refused("0", 1103),
    _refused("-1", 1103),
    _refused("'some'", 1103),
    _refused("2.5", 1103),
    _refused("1, -1", 1104),
    _refused("1, 'x'", 1104),
    _refused("1, 3", 1105),
    _form(
        "a SCALAR script gets its row",
        ["return repr(ctx.get_dataframe().values.tolist())"],
        [("[[1, 'a']]",), ("[[2, 'b']]",), ("[[3, 'c']]",)],
        REPEATS,
        SCALAR,
    ),
    _form(
        "a SCALAR script that asks for more rows gets its row again",
        ["return repr(ctx.get_dataframe(num_rows=2)['x'].tolist())"],
        [("[1, 1]",), ("[2, 2]",), ("[3, 3]",)],
        REPEATS,
        SCALAR,
    ),
    _form(
        "columns of a frame have the types of Python",
        ["f = ctx.get_dataframe('all')", "return ' '.join(str(t.kind) for t in f.dtypes)"],
        [("i O",)],
    ),
]
